package org.apache.spark.sql.sparkllm

import scala.util.matching.Regex

/** The task or instruction of a call, checked against the names of its columns. */
object Instruction {
  private val Placeholder: Regex = """\{\{|\}\}|\{([^{}\s][^{}\n]*)\}""".r
  private val OneWord: Regex = """(?U)\w+""".r

  /** Throws where it names a task or a column that does not exist. */
  def check(text: String, columns: Seq[String]): Unit =
    if (text.trim.isEmpty) {
      throw LLMAnalysisException.emptyTask()
    } else if (!Vocabulary.isTask(text)) {
      if (OneWord.matches(text.trim)) {
        throw LLMAnalysisException.unknownTask(text.trim, Vocabulary.tasks)
      }
      Placeholder
        .findAllMatchIn(text)
        .flatMap(found => Option(found.group(1)))
        .find(!columns.contains(_))
        .foreach(name => throw LLMAnalysisException.unknownPlaceholder(name, columns))
    }
}
