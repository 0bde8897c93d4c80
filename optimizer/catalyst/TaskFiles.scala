package org.apache.spark.sql.sparkllm

import java.io.File

import scala.util.control.NonFatal

import com.fasterxml.jackson.databind.{JsonNode, ObjectMapper}
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory

import org.apache.spark.sql.internal.SQLConf

/** The tasks in the YAML files of the folder that `spark.sparkllm.tasks.path` names. */
object TaskFiles {
  private val Path = "spark.sparkllm.tasks.path"
  private val Endings = Seq(".yaml", ".yml")

  /** The tasks, each as its file has it, in order of the files. */
  def tasks: Seq[JsonNode] = {
    val path = SQLConf.get.getConfString(Path, "")
    if (path.isEmpty) Nil
    else {
      val files = Option(new File(path).listFiles).getOrElse(
        throw LLMAnalysisException.brokenTasks(path, "there is no such folder"))
      val reader = new ObjectMapper(new YAMLFactory)
      val named = files.toIndexedSeq.filter(file => Endings.exists(file.getName.endsWith))
      named.sortBy(_.getName).map { file =>
        val task =
          try reader.readTree(file)
          catch {
            case NonFatal(error) =>
              throw LLMAnalysisException.brokenTasks(file.getPath, error.getMessage)
          }
        if (!Seq("name", "template").forall(entry => task.path(entry).isTextual)) {
          throw LLMAnalysisException.brokenTasks(
            file.getPath, "a task needs texts as name and template")
        }
        task
      }
    }
  }
}
