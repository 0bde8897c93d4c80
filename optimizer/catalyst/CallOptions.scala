package org.apache.spark.sql.sparkllm

import java.util.Locale

import org.apache.spark.sql.catalyst.expressions.{CreateMap, Expression}
import org.apache.spark.sql.types.MapType

/**
 * The options of a call, by lower-case name. Their names are checked here, in the analyzer; their
 * values are checked where the call is rendered, in Python.
 */
object CallOptions {
  val Names: Seq[String] = Seq("labels", "max_tokens", "temperature", "top_k", "top_p", "seed")

  /** Whether the last argument carries options: a MAP that is constant or written in the call. */
  def isMap(argument: Expression): Boolean = argument.dataType match {
    case _: MapType => argument.foldable || argument.isInstanceOf[CreateMap]
    case _ => false
  }

  def fromMap(argument: Expression): Seq[(String, Any)] =
    Constant(argument, "the map of options") match {
      case options: scala.collection.Map[_, _] =>
        options.toSeq.map { case (name, value) => name.toString -> value }
      case _ => Nil
    }

  def fromNamed(arguments: Seq[(String, Expression)]): Seq[(String, Any)] = {
    arguments.foreach { case (name, _) => checkName(name) }
    arguments.map { case (name, value) => name -> Constant(value, s"option $name") }
  }

  /** The options by name. An unknown name and a name given twice are errors. */
  def checked(options: Seq[(String, Any)]): Map[String, Any] =
    options.foldLeft(Map.empty[String, Any]) { case (seen, (written, value)) =>
      val name = checkName(written)
      if (seen.contains(name)) {
        throw LLMAnalysisException.duplicateOption(name)
      }
      seen + (name -> value)
    }

  private def checkName(written: String): String = {
    val name = written.toLowerCase(Locale.ROOT)
    if (!Names.contains(name)) {
      throw LLMAnalysisException.unknownOption(written, Names)
    }
    name
  }
}
