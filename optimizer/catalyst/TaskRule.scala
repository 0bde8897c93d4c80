package org.apache.spark.sql.sparkllm

import java.util.Locale

import scala.jdk.CollectionConverters._
import scala.util.control.NonFatal

import com.fasterxml.jackson.databind.{JsonNode, ObjectMapper}

import org.apache.spark.sql.internal.SQLConf

/**
 * A task, as far as the analyzer has to know it.
 *
 * @param answer the kind of its answers, or their type in DDL form
 * @param options those that its template takes
 * @param defaults of options, by name
 * @param reduces whether its column holds arrays, the values of groups
 * @param definition the whole task as JSON, where it does not ship with sparkllm
 */
case class TaskRule(
    name: String,
    answer: String,
    options: Seq[String],
    defaults: Map[String, Any],
    reduces: Boolean,
    definition: Option[String]) {

  /** The options that a call has to give. */
  def required: Seq[String] = options.filterNot(defaults.contains)
}

object TaskRule {

  /** Where a session keeps the tasks that are registered in it, each as JSON below its name. */
  private val Registered = "spark.sparkllm.tasks.registered."

  /** Reads a task from its JSON form. */
  def of(task: JsonNode, definition: Option[String]): TaskRule = TaskRule(
    task.get("name").asText,
    task.path("answer").asText("text"),
    task.path("options").elements.asScala.map(_.asText).toSeq,
    task.path("defaults").properties.asScala.map(entry =>
      entry.getKey -> value(entry.getValue)).toMap,
    task.path("reduces").asBoolean(false),
    definition)

  /** The task that a call names: one that ships, is registered in this session, or in a file. */
  def named(text: String): Option[TaskRule] = {
    val name = text.trim.toLowerCase(Locale.ROOT)
    Vocabulary.tasks.find(_.name == name).orElse {
      Option(SQLConf.get.getConfString(Registered + name, null)).map { json =>
        try of(new ObjectMapper().readTree(json), Some(json))
        catch { case NonFatal(_) => throw LLMAnalysisException.brokenTask(name, json) }
      }
    }.orElse {
      if (isName(name)) TaskFiles.tasks.find(_.get("name").asText == name).map(ofFile) else None
    }
  }

  private def isName(text: String): Boolean = text.matches("[a-z_][a-z0-9_]*")

  private def ofFile(task: JsonNode): TaskRule =
    of(task, Some(new ObjectMapper().writeValueAsString(task)))

  /** The names of all tasks, sorted. */
  def names: Seq[String] = {
    val registered = SQLConf.get.getAllConfs.keys.filter(_.startsWith(Registered))
    val names = Vocabulary.tasks.map(_.name) ++ registered.map(_.stripPrefix(Registered)) ++
      TaskFiles.tasks.map(_.get("name").asText)
    names.distinct.sorted
  }

  private def value(node: JsonNode): Any = node match {
    case array if array.isArray => array.elements.asScala.map(value).toSeq
    case flag if flag.isBoolean => flag.asBoolean
    case whole if whole.isIntegralNumber => whole.asLong
    case number if number.isNumber => number.asDouble
    case other => other.asText
  }
}
