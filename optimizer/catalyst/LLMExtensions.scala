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
  override def apply(extensions: SparkSessionExtensions): Unit = {
    LLMExtensions.functions.foreach(extensions.injectFunction)
    extensions.injectCheckRule(_ => CheckLLMCalls)
    extensions.injectPreCBORule(_ => OptimizeLLMCalls)
    extensions.injectPlannerStrategy(_ => LLMStrategy)
    extensions.injectQueryStagePrepRule(_ => MaterializeBeforeSampling)
    extensions.injectColumnar(_ => MaterializeWithoutAdaptiveExecution)
  }
}

object LLMExtensions {

  /** `llm`, and the functions for single tasks. */
  private def functions: Seq[SparkSessionExtensions#FunctionDescription] =
    LLMFunction.description +: Vocabulary.functions.map(new TaskFunction(_).description)

  /**
   * Adds the functions to a session that was started without the extension. Its physical rules
   * can't be changed any more, so sorts keep the answers below them even where that is not needed.
   */
  def attach(session: SparkSession): Unit = {
    val extensions = new SparkSessionExtensions
    functions.foreach(extensions.injectFunction)
    extensions.registerFunctions(session.sessionState.functionRegistry)
    val experimental = session.experimental
    if (!experimental.extraStrategies.contains(LLMStrategy)) {
      experimental.extraOptimizations = experimental.extraOptimizations :+ OptimizeLLMCalls
      experimental.extraStrategies = experimental.extraStrategies ++
        Seq(LLMStrategy, MaterializeSorts)
    }
  }
}
