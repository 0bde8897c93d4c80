package org.apache.spark.sql.sparkllm

import java.util.concurrent.ConcurrentHashMap

import scala.sys.process.{Process, ProcessLogger}
import scala.util.Try

import org.apache.spark.SparkEnv

/** The Python that runs the workers, found as `spark-submit` finds it. */
object PythonInterpreter {

  /** Overrides [[version]] where the workers' Python does not exist on the driver's machine. */
  val VersionKey = "spark.sparkllm.python.version"

  private val versions = new ConcurrentHashMap[String, String]()

  /** `spark.pyspark.python`, else the variable `PYSPARK_PYTHON`, else `python3`. */
  def executable: String =
    SparkEnv.get.conf
      .getOption("spark.pyspark.python")
      .orElse(sys.env.get("PYSPARK_PYTHON"))
      .getOrElse("python3")

  /**
   * `major.minor` of `executable`, asked once and kept. A worker refuses a function that was
   * written for another version; ours is pickled by reference and fits any, so the worker's own
   * version is always right.
   */
  def version(executable: String): String =
    SparkEnv.get.conf.getOption(VersionKey).getOrElse(versions.computeIfAbsent(executable, ask(_)))

  private def ask(executable: String): String = {
    val program = "import sys; print('%d.%d' % sys.version_info[:2])"
    val quiet = ProcessLogger(_ => ())
    Try(Process(Seq(executable, "-c", program)).!!(quiet).trim).getOrElse {
      throw LLMAnalysisException.noPython(executable, VersionKey)
    }
  }
}
