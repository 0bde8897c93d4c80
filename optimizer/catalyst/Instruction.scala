package org.apache.spark.sql.sparkllm

import scala.util.matching.Regex

/** The instruction of a call, checked against the names of its columns. */
object Instruction {
  private val Placeholder: Regex = """\{\{|\}\}|\{([^{}\s][^{}\n]*)\}""".r
  private val OneWord: Regex = """(?U)\w+""".r

  /** Throws where it is one word, which is no task, or names a column that does not exist. */
  def check(text: String, columns: Seq[String]): Unit =
    if (text.trim.isEmpty) {
      throw LLMAnalysisException.emptyTask()
    } else {
      if (OneWord.matches(text.trim)) {
        throw LLMAnalysisException.unknownTask(text.trim, TaskRule.names)
      }
      checkPlaceholders(text, columns)
    }

  /** The columns that have a slot in the instruction of a call. */
  def placeholders(spec: CallSpec): Set[String] = {
    val text = TaskRule.named(spec.task) match {
      case Some(_) => spec.options.get(CallOptions.Instruction).mkString
      case None => spec.task
    }
    Placeholder.findAllMatchIn(text).flatMap(found => Option(found.group(1))).toSet
  }

  /** Throws where it names a column that does not exist. */
  def checkPlaceholders(text: String, columns: Seq[String]): Unit =
    placeholders(text)
      .find(!columns.contains(_))
      .foreach(name => throw LLMAnalysisException.unknownPlaceholder(name, columns))

  /** Throws where it names a column, as one for a whole group can't. */
  def checkWithoutColumns(task: String, text: String): Unit =
    placeholders(text).nextOption().foreach(name =>
      throw LLMAnalysisException.placeholderInGroup(task, name))

  private def placeholders(text: String): Iterator[String] =
    Placeholder.findAllMatchIn(text).flatMap(found => Option(found.group(1)))
}
