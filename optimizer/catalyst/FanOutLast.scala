package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions.{Attribute, ExpressionSet}
import org.apache.spark.sql.catalyst.planning.ExtractEquiJoinKeys
import org.apache.spark.sql.catalyst.plans._
import org.apache.spark.sql.catalyst.plans.logical._
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.catalyst.trees.TreePattern.PYTHON_UDF

/**
 * Asks calls on one side of a join before the join repeats its rows.
 *
 * {{{
 *   LLMEval [llm(classify, name) AS llm#1]
 *   +- Join Inner, (customer = k)
 *      :- Relation orders [customer]
 *      +- Relation customers [k, name]
 * }}}
 * becomes
 * {{{
 *   Join Inner, (customer = k)
 *   :- Relation orders [customer]
 *   +- LLMEval [llm(classify, name) AS llm#1]
 *      +- Relation customers [k, name]
 * }}}
 *
 * It does so where the other side has more rows and was not filtered itself, at outer joins for the
 * side whose rows are kept, and at cross joins; not where the other side has each key once. It runs
 * after the rules for LIMIT, which leave calls above where few rows are wanted.
 */
object FanOutLast extends Rule[LogicalPlan] {
  override def apply(plan: LogicalPlan): LogicalPlan =
    if (!Switch.FanOutLast.isOn || plan.isStreaming) plan
    else plan.transformUpWithPruning(_.containsPattern(PYTHON_UDF)) {
      case evaluation: LLMEval => below(evaluation)
    }

  private def below(evaluation: LLMEval): LogicalPlan = evaluation match {
    case LLMEval(_, Selection(list, join), None, None, None, _, _) =>
      below(evaluation, list, join, ofLeft = true)
        .orElse(below(evaluation, list, join, ofLeft = false))
        .getOrElse(evaluation)
    case other => other
  }

  private def below(
      evaluation: LLMEval,
      list: Seq[Attribute],
      join: Join,
      ofLeft: Boolean): Option[LogicalPlan] = {
    val (side, other) = if (ofLeft) (join.left, join.right) else (join.right, join.left)
    val (mine, others) = evaluation.calls.partition { call =>
      call.references.nonEmpty && call.references.subsetOf(side.outputSet)
    }
    if (mine.isEmpty || !repeats(join, ofLeft, side, other)) {
      None
    } else {
      val asked = below(LLMEval(mine, side))
      val joined = if (ofLeft) join.copy(left = asked) else join.copy(right = asked)
      val answered = Project(list ++ mine.map(_.toAttribute), joined)
      val whole = if (others.isEmpty) answered else below(LLMEval(others, answered))
      Some(if (whole.output == evaluation.output) whole else Project(evaluation.output, whole))
    }
  }

  /** Whether rows of one side are there several times after the join, and none of them is missing. */
  private def repeats(
      join: Join, ofLeft: Boolean, side: LogicalPlan, other: LogicalPlan): Boolean = {
    val keys = join match {
      case ExtractEquiJoinKeys(_, left, right, _, _, _, _, _) => if (ofLeft) right else left
      case _ => Nil
    }
    def isUnique = other.maxRows.exists(_ <= 1) ||
      (keys.nonEmpty && other.distinctKeys.exists(_.subsetOf(ExpressionSet(keys))))
    join.joinType match {
      case _: InnerLike if keys.isEmpty => join.condition.isEmpty && !isUnique
      case _: InnerLike =>
        !SelectiveJoinsFirst.isReduced(other) && Estimates.estimatedRows(other) > Estimates.estimatedRows(side) && !isUnique
      case LeftOuter => ofLeft && !isUnique
      case RightOuter => !ofLeft && !isUnique
      case _ => false
    }
  }

  /** A join, of which some columns are selected. */
  private object Selection {
    def unapply(plan: LogicalPlan): Option[(Seq[Attribute], Join)] = plan match {
      case join: Join => Some((join.output, join))
      case Project(list, join: Join) if list.forall(_.isInstanceOf[Attribute]) =>
        Some((list.map(_.toAttribute), join))
      case _ => None
    }
  }
}
