package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.plans.physical.{RangePartitioning, RoundRobinPartitioning}
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.execution.{ColumnarRule, SparkPlan}
import org.apache.spark.sql.execution.adaptive.QueryStageExec
import org.apache.spark.sql.execution.exchange.{Exchange, ShuffleExchangeExec}

/**
 * Keeps the answers of calls before they are partitioned by range. Spark runs the input of a range
 * exchange twice, once to take a sample; the input of a shuffle's second run is on disk.
 *
 * {{{
 *   Exchange rangepartitioning(llm#1)
 *   +- LLMEval [llm(classify, a) AS llm#1]
 * }}}
 * becomes
 * {{{
 *   Exchange rangepartitioning(llm#1)
 *   +- Exchange RoundRobinPartitioning
 *      +- LLMEval [llm(classify, a) AS llm#1]
 * }}}
 */
object MaterializeBeforeSampling extends Rule[SparkPlan] {
  override def apply(plan: SparkPlan): SparkPlan = plan.transformUp {
    case exchange: ShuffleExchangeExec if samples(exchange) && evaluates(exchange.child) =>
      exchange.withNewChildren(Seq(kept(exchange)))
  }

  private def samples(exchange: ShuffleExchangeExec): Boolean =
    exchange.outputPartitioning match {
      case range: RangePartitioning => range.numPartitions > 1
      case _ => false
    }

  private def evaluates(plan: SparkPlan): Boolean = plan match {
    case _: LLMEvalExec => true
    case _: Exchange | _: QueryStageExec | _: PairLimitExec => false
    case other => other.children.exists(evaluates)
  }

  private def kept(exchange: ShuffleExchangeExec): SparkPlan =
    ShuffleExchangeExec(
      RoundRobinPartitioning(exchange.outputPartitioning.numPartitions), exchange.child)
}

/** Runs [[MaterializeBeforeSampling]] where adaptive execution is off. */
object MaterializeWithoutAdaptiveExecution extends ColumnarRule {
  override def preColumnarTransitions: Rule[SparkPlan] = MaterializeBeforeSampling
}
