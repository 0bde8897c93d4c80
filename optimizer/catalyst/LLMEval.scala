package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions.{Alias, Attribute, AttributeSet}
import org.apache.spark.sql.catalyst.plans.logical.{LogicalPlan, UnaryNode}

/**
 * Evaluates calls, each once for every row of `child`, and adds their answers to its columns.
 *
 * @param calls aliases of [[LLMCall]]s whose arguments hold no further call
 * @param firstWindow how many rows are taken at first, where few may be enough
 */
case class LLMEval(
    calls: Seq[Alias], child: LogicalPlan, firstWindow: Option[FirstWindow] = None)
    extends UnaryNode {

  override def output: Seq[Attribute] = child.output ++ calls.map(_.toAttribute)

  override def producedAttributes: AttributeSet = AttributeSet(calls.map(_.toAttribute))

  override def maxRows: Option[Long] = child.maxRows

  override def maxRowsPerPartition: Option[Long] = child.maxRowsPerPartition

  /** The answer of an equal call, if it is among these; one without a guard serves any guard. */
  def answerOf(call: LLMCall): Option[Attribute] =
    calls
      .find(alias => alias.child.semanticEquals(call) || alias.child.semanticEquals(call.unguarded))
      .map(_.toAttribute)

  override protected def withNewChildInternal(newChild: LogicalPlan): LLMEval =
    copy(child = newChild)
}
