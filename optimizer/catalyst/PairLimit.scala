package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions.Attribute
import org.apache.spark.sql.catalyst.plans.logical.{LogicalPlan, UnaryNode}

/**
 * Pairs of rows that a model is asked about: no more than `most` of them, counted before the first
 * is asked. See [[PairLimitExec]].
 *
 * @param isPair the column that is true where the row is a pair; None where all rows are
 */
case class PairLimit(most: Long, isPair: Option[Attribute], child: LogicalPlan) extends UnaryNode {

  override def output: Seq[Attribute] = child.output

  override def maxRows: Option[Long] = child.maxRows

  override protected def withNewChildInternal(newChild: LogicalPlan): PairLimit =
    copy(child = newChild)
}

object PairLimit {
  private val MaxPairs = "spark.sparkllm.join.maxPairs"
  private val DefaultMaxPairs = 100000L

  /** The pairs, counted if the session has a limit; streams go on for ever and are not counted. */
  def of(pairs: LogicalPlan, isPair: Option[Attribute]): LogicalPlan = {
    val most = pairs.conf.getConfString(MaxPairs, DefaultMaxPairs.toString).toLong
    if (most == 0 || pairs.isStreaming) pairs else PairLimit(most, isPair, pairs)
  }
}
