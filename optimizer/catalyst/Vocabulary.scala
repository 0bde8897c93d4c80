package org.apache.spark.sql.sparkllm

import scala.jdk.CollectionConverters._

import com.fasterxml.jackson.databind.{JsonNode, ObjectMapper}

/**
 * An option of a call.
 *
 * @param kind of its values; see `Option` in Python
 * @param words the values of a word
 * @param ofTask whether only tasks that name it take it
 */
case class OptionRule(
    name: String,
    kind: String,
    low: Double,
    high: Option[Double],
    lowExcluded: Boolean,
    words: Seq[String],
    ofTask: Boolean)

/**
 * A function for one task.
 *
 * @param positional the options that its arguments behind the text are
 * @param instructed whether its first argument is an instruction, and all others are columns
 * @param paired whether its first two arguments are texts, each of which the task is about
 */
case class FunctionRule(
    name: String,
    task: String,
    positional: Seq[String],
    instructed: Boolean,
    paired: Boolean,
    usage: String,
    arguments: String,
    examples: String)

/**
 * What `llm` may be asked, as the Python side declares it: tasks, options with their types, and
 * functions. It is written into the jar when that is built, so both sides always agree.
 */
object Vocabulary {
  private val Resource = "vocabulary.json"

  private lazy val root: JsonNode = {
    val stream = getClass.getResourceAsStream(Resource)
    if (stream == null) {
      throw new IllegalStateException(
        s"the jar of sparkllm lacks $Resource: build it with `sparkllm jar`")
    }
    try new ObjectMapper().readTree(stream)
    finally stream.close()
  }

  /** The tasks that ship, sorted by name. */
  lazy val tasks: Seq[TaskRule] = root.get("tasks").elements.asScala.map(TaskRule.of(_, None)).toSeq

  /** The options in the order in which messages name them. */
  lazy val options: Seq[OptionRule] = root.get("options").elements.asScala.map { option =>
    OptionRule(
      option.get("name").asText,
      option.get("kind").asText,
      option.get("low").asDouble,
      Option(option.get("high")).filterNot(_.isNull).map(_.asDouble),
      option.get("low_excluded").asBoolean,
      texts(option.get("words")),
      option.get("of_task").asBoolean)
  }.toSeq

  /** The functions for single tasks. */
  lazy val functions: Seq[FunctionRule] = root.get("functions").elements.asScala.map { function =>
    FunctionRule(
      function.get("name").asText,
      function.get("task").asText,
      texts(function.get("positional")),
      function.get("instructed").asBoolean,
      function.get("paired").asBoolean,
      function.get("usage").asText,
      function.get("arguments").asText,
      function.get("examples").asText)
  }.toSeq

  private def texts(array: JsonNode): Seq[String] = array.elements.asScala.map(_.asText).toSeq
}
