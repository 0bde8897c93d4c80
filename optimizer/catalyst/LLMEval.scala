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
 * @param wanted a condition over the answers, by which a filter above keeps rows: where it can't be
 *   true any more, answers that are missing stay NULL; see [[LearnPredicateOrder]]
 * @param kept answers that every wanted row has, even if its condition is true without them
 * @param fused the answers of calls that share one pass over a row's text; see [[FuseCalls]]
 */
case class LLMEval(
    calls: Seq[Alias],
    child: LogicalPlan,
    firstWindow: Option[FirstWindow] = None,
    order: Option[Expression] = None,
    wanted: Option[Expression] = None,
    kept: Seq[Attribute] = Nil,
    fused: Seq[Seq[Attribute]] = Nil)
    extends UnaryNode {

  override def output: Seq[Attribute] = child.output ++ calls.map(_.toAttribute)

  override def producedAttributes: AttributeSet = AttributeSet(calls.map(_.toAttribute))

  override def maxRows: Option[Long] = child.maxRows

  override def maxRowsPerPartition: Option[Long] = child.maxRowsPerPartition

  override protected def stringArgs: Iterator[Any] =
    Iterator[Any](calls) ++ firstWindow ++ wanted.map(condition => s"where $condition") ++
      fused.map(_.mkString("fused [", ", ", "]"))

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

  /**
   * The answer of an equal call, if it is among these, and this evaluation with all wanted rows
   * asked for it. One without a guard serves any guard.
   */
  def answerOf(call: LLMCall): Option[(LLMEval, Attribute)] =
    calls
      .find(alias => alias.child.semanticEquals(call) || alias.child.semanticEquals(call.unguarded))
      .map { alias =>
        val answer = alias.toAttribute
        val isAsked = wanted.forall(!_.references.contains(answer)) || kept.contains(answer)
        (if (isAsked) this else copy(kept = kept :+ answer), answer)
      }

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
