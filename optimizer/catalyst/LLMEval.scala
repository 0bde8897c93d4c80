package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.plans.logical.{LogicalPlan, UnaryNode}
import org.apache.spark.sql.types.StringType

/**
 * Evaluates calls, each once for every row of `child`, and adds their answers to its columns.
 *
 * @param calls aliases of [[LLMCall]]s whose arguments hold no further call
 * @param firstWindow how many rows are taken at first, where few may be enough
 * @param order in which the columns stand in all prompts: positions in `columns`, an array of
 *              integers; None leaves it to the tasks
 */
case class LLMEval(
    calls: Seq[Alias],
    child: LogicalPlan,
    firstWindow: Option[FirstWindow] = None,
    order: Option[Expression] = None)
    extends UnaryNode {

  override def output: Seq[Attribute] = child.output ++ calls.map(_.toAttribute)

  override def producedAttributes: AttributeSet = AttributeSet(calls.map(_.toAttribute))

  override def maxRows: Option[Long] = child.maxRows

  override def maxRowsPerPartition: Option[Long] = child.maxRowsPerPartition

  override protected def stringArgs: Iterator[Any] = Iterator(calls) ++ firstWindow

  /** What EXPLAIN COST shows. */
  override def verboseStringWithSuffix(maxFields: Int): String =
    s"${super.verboseStringWithSuffix(maxFields)}, calls($byStatistics)"

  @transient private lazy val byStatistics = Estimates.byStatistics(this)

  /** What the calls are given, each once, as the worker gets it. */
  def columns: Seq[Expression] = new PythonEvaluation(unguardedCalls).arguments

  def unguardedCalls: Seq[LLMCall] = calls.map(_.child.asInstanceOf[LLMCall].unguarded)

  /** The rows that some call is asked about, None for all. */
  def guard: Option[Expression] = {
    val guards = calls.map(_.child.asInstanceOf[LLMCall].guard)
    if (guards.forall(_.isDefined)) guards.flatten.reduceOption(Or) else None
  }

  /** The answer of an equal call, if it is among these; one without a guard serves any guard. */
  def answerOf(call: LLMCall): Option[Attribute] =
    calls
      .find(alias => alias.child.semanticEquals(call) || alias.child.semanticEquals(call.unguarded))
      .map(_.toAttribute)

  override protected def withNewChildInternal(newChild: LogicalPlan): LLMEval =
    copy(child = newChild)
}

object LLMEval {

  /** Columns as texts. */
  def cells(columns: Seq[Expression]): Seq[Expression] = columns.map {
    case text if text.dataType == StringType => text
    case other => Cast(other, StringType)
  }
}
