package org.apache.spark.sql.sparkllm

import java.util.Locale

import scala.jdk.CollectionConverters._
import scala.util.Try

import com.fasterxml.jackson.databind.ObjectMapper

import org.apache.spark.sql.catalyst.expressions.{CreateMap, Expression}
import org.apache.spark.sql.types.MapType

/** The options of a call, by lower-case name, checked against the [[Vocabulary]]. */
object CallOptions {
  val Names: Seq[String] = Vocabulary.options.map(_.name)

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
    arguments.foreach { case (name, _) => rule(name) }
    arguments.map { case (name, value) => name -> Constant(value, s"option $name") }
  }

  /**
   * The options by name, as values of their types; see [[CallSpec]]. An unknown name, a name given
   * twice and a value that is not of the option's type or range are errors.
   */
  def checked(options: Seq[(String, Any)]): Map[String, Any] =
    options.foldLeft(Map.empty[String, Any]) { case (seen, (written, value)) =>
      val option = rule(written)
      if (seen.contains(option.name)) {
        throw LLMAnalysisException.duplicateOption(option.name)
      }
      seen + (option.name -> typed(option, value))
    }

  private def rule(written: String): OptionRule = {
    val name = written.toLowerCase(Locale.ROOT)
    Vocabulary.options
      .find(_.name == name)
      .getOrElse(throw LLMAnalysisException.unknownOption(written, Names))
  }

  private def typed(option: OptionRule, value: Any): Any = {
    def wrong(reason: String): Nothing =
      throw LLMAnalysisException.wrongOption(option.name, value, reason)
    option.kind match {
      case "integer" =>
        val number = decimal(value).filter(_.isWhole).getOrElse(wrong("a whole number is wanted"))
        inRange(option, number, wrong).toLong
      case "number" =>
        val number = decimal(value).getOrElse(wrong("a number is wanted"))
        inRange(option, number, wrong).toDouble
      case "texts" => texts(value, wrong)
      case "strings" => strings(value, wrong)
      case "word" =>
        Option(value).map(_.toString.toLowerCase(Locale.ROOT)).filter(option.words.contains)
          .getOrElse(wrong(s"it is none of ${option.words.mkString(", ")}"))
      case "type" => value match {
        case text: String => text
        case _ => wrong("a text is wanted")
      }
    }
  }

  private def decimal(value: Any): Option[BigDecimal] = value match {
    case _: Boolean | null => None
    case number => Try(BigDecimal(number.toString.trim)).toOption
  }

  private def inRange(
      option: OptionRule, number: BigDecimal, wrong: String => Nothing): BigDecimal = {
    val tooLow = number < option.low || (option.lowExcluded && number == BigDecimal(option.low))
    if (tooLow || option.high.exists(number > _)) {
      val low = s"${if (option.lowExcluded) "above" else "at least"} ${plain(option.low)}"
      val high = option.high.map(high => s" and at most ${plain(high)}").mkString
      wrong(s"a value $low$high is wanted")
    }
    number
  }

  private def plain(bound: Double): String =
    BigDecimal(bound).bigDecimal.stripTrailingZeros.toPlainString

  /** One text or an array of texts, blanks kept: `stop => '\n'`. */
  private def strings(value: Any, wrong: String => Nothing): Seq[String] = {
    val items = value match {
      case json: String if json.startsWith("[") => jsonArray(json, wrong)
      case text: String => Seq(text)
      case items: scala.collection.Seq[_] => items.toSeq
      case _ => Nil
    }
    if (items.isEmpty || items.exists(item => item == null || item.toString.isEmpty)) {
      wrong("a text or an array of texts is wanted, none of them NULL or empty")
    }
    items.map(_.toString)
  }

  private def jsonArray(json: String, wrong: String => Nothing): Seq[Any] =
    Try(new ObjectMapper().readValue(json, classOf[java.util.List[Any]]).asScala.toSeq)
      .getOrElse(wrong("it is no JSON array"))

  private def texts(value: Any, wrong: String => Nothing): Seq[String] = {
    val items = value match {
      case json: String if json.trim.startsWith("[") => jsonArray(json, wrong)
      case list: String => list.split(",", -1).toSeq
      case items: scala.collection.Seq[_] => items.toSeq
      case _ => wrong("an array of texts is wanted")
    }
    if (items.contains(null)) {
      wrong("none of the texts may be NULL")
    }
    val labels = items.map(_.toString.trim)
    if (labels.isEmpty || labels.exists(_.isEmpty)) {
      wrong("there must be at least one text and no empty one")
    }
    if (labels.distinct.size != labels.size) {
      wrong("each text may stand there once")
    }
    labels
  }
}
