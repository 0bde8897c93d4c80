package org.apache.spark.sql.sparkllm

import java.util.Locale

import scala.jdk.CollectionConverters._

import com.fasterxml.jackson.databind.{JsonNode, ObjectMapper}

/** An option of `llm`: its name, the kind of its values, the range of numbers, the words. */
case class OptionRule(
    name: String,
    kind: String,
    low: Double,
    high: Option[Double],
    lowExcluded: Boolean,
    words: Seq[String])

/**
 * What `llm` may be asked, as the Python side declares it: the names of the tasks and the options
 * with their types. It is written into the jar when that is built, so both sides always agree.
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

  /** The names of the tasks, sorted. */
  lazy val tasks: Seq[String] = root.get("tasks").elements.asScala.map(_.asText).toSeq

  /** The options in the order in which messages name them. */
  lazy val options: Seq[OptionRule] = root.get("options").elements.asScala.map { option =>
    OptionRule(
      option.get("name").asText,
      option.get("kind").asText,
      option.get("low").asDouble,
      Option(option.get("high")).filterNot(_.isNull).map(_.asDouble),
      option.get("low_excluded").asBoolean,
      option.get("words").elements.asScala.map(_.asText).toSeq)
  }.toSeq

  def isTask(name: String): Boolean = tasks.contains(name.trim.toLowerCase(Locale.ROOT))
}
