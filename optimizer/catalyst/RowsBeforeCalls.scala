package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.optimizer.ColumnPruning
import org.apache.spark.sql.catalyst.plans.logical._
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.catalyst.trees.TreePattern.PYTHON_UDF

/**
 * Lets joins, groups, unions and DISTINCT settle which rows there are before calls are asked about
 * them, from the leaves up: what was put above one of them may go above the next.
 *
 * See [[SelectiveJoinsFirst]], [[GroupsFirst]], [[UnionFirst]] and [[DistinctInputsFirst]].
 */
object RowsBeforeCalls extends Rule[LogicalPlan] {
  override def apply(plan: LogicalPlan): LogicalPlan = {
    val moved = plan.transformUpWithPruning(_.containsPattern(PYTHON_UDF)) {
      case join: Join =>
        noted(SelectiveJoinsFirst(join), Switch.SelectiveJoinsFirst).getOrElse(join)
      case aggregate: Aggregate =>
        noted(GroupsFirst(aggregate), Switch.GroupsFirst)
          .orElse(noted(DistinctInputsFirst(aggregate), Switch.DistinctInputsFirst))
          .getOrElse(aggregate)
      case union: Union => noted(UnionFirst(union), Switch.UnionFirst).getOrElse(union)
    }
    if (moved.fastEquals(plan)) plan else ColumnPruning(moved)
  }

  private def noted(changed: Option[LogicalPlan], switch: Switch): Option[LogicalPlan] = {
    if (changed.isDefined) switch.fired()
    changed
  }
}
