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
