package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.plans.logical.{LogicalPlan, RepartitionOperation, Sort}
import org.apache.spark.sql.catalyst.plans.physical.RoundRobinPartitioning
import org.apache.spark.sql.execution.{SortExec, SparkPlan, SparkStrategy}
import org.apache.spark.sql.execution.exchange.ShuffleExchangeExec

/**
 * [[MaterializeBeforeSampling]] for sessions that were started without the extension: a strategy
 * can't see where exchanges will be, so it keeps the answers below every total order.
 */
object MaterializeSorts extends SparkStrategy {
  override def apply(plan: LogicalPlan): Seq[SparkPlan] = plan match {
    case sort: Sort if sort.global && evaluates(sort.child) =>
      val partitioning = RoundRobinPartitioning(sort.conf.numShufflePartitions)
      val kept = ShuffleExchangeExec(partitioning, planLater(sort.child))
      Seq(SortExec(sort.order, global = true, kept))
    case _ => Nil
  }

  private def evaluates(plan: LogicalPlan): Boolean = plan match {
    case _: LLMEval => true
    case _: RepartitionOperation => false
    case other => other.children.exists(evaluates)
  }
}
