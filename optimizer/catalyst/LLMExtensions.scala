package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.SparkSessionExtensions
import org.apache.spark.sql.classic.SparkSession

/**
 * What sparkllm adds to a Spark session, named by
 * `spark.sql.extensions=org.apache.spark.sql.sparkllm.LLMExtensions`.
 *
 * The package sits under `org.apache.spark` because `PythonUDF` and its parts are
 * `private[spark]`.
 */
class LLMExtensions extends (SparkSessionExtensions => Unit) {
  override def apply(extensions: SparkSessionExtensions): Unit =
    extensions.injectFunction(LLMFunction.description)
}

object LLMExtensions {

  /** Adds the function to a session that was started without the extension. */
  def attach(session: SparkSession): Unit = {
    val extensions = new SparkSessionExtensions
    new LLMExtensions()(extensions)
    extensions.registerFunctions(session.sessionState.functionRegistry)
  }
}
