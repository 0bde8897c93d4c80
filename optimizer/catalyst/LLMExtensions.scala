package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.SparkSessionExtensions

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
