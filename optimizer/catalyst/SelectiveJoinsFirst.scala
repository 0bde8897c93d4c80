package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.plans._
import org.apache.spark.sql.catalyst.plans.logical._

/**
 * Joins before the calls on one of its sides are asked, where the join leaves rows of it out.
 *
 * {{{
 *   Join LeftSemi, (id = k)
 *   :- Filter (llm#1 = good)
 *   :  +- LLMEval [llm(classify, a) AS llm#1]
 *   :     +- Relation [id, a]
 *   +- Relation [k]
 * }}}
 * becomes
 * {{{
 *   Filter (llm#1 = good)
 *   +- LLMEval [llm(classify, a) AS llm#1]
 *      +- Join LeftSemi, (id = k)
 *         :- Relation [id, a]
 *         +- Relation [k]
 * }}}
 *
 * Semi and anti joins do, also those that INTERSECT and EXCEPT are; an inner join does where its
 * other side was filtered or cut itself.
 */
object SelectiveJoinsFirst {
  def apply(join: Join): Option[LogicalPlan] =
    if (Switch.SelectiveJoinsFirst.isOn) ofLeft(join).orElse(ofRight(join)) else None

  private def ofLeft(join: Join): Option[LogicalPlan] = join match {
    case Join(CallChain(chain), right, joinType, on, _) if isSelective(joinType, right, on) =>
      lifted(join, chain, join.copy(left = chain.rows), right)
    case _ => None
  }

  private def ofRight(join: Join): Option[LogicalPlan] = join match {
    case Join(left, CallChain(chain), joinType: InnerLike, on, _)
        if isSelective(joinType, left, on) =>
      lifted(join, chain, join.copy(right = chain.rows), left)
    case _ => None
  }

  private def lifted(
      join: Join, chain: CallChain, below: Join, other: LogicalPlan): Option[LogicalPlan] = {
    val known = chain.rows.outputSet ++ other.outputSet
    if (join.condition.exists(!_.references.subsetOf(known))) {
      None
    } else {
      val passed = other.output.filter(below.outputSet.contains)
      Some(Project(join.output, chain.on(below, passed)))
    }
  }

  private def isSelective(
      joinType: JoinType, other: LogicalPlan, condition: Option[Expression]): Boolean =
    joinType match {
      case LeftSemi | LeftAnti => true
      case _: InnerLike => condition.isDefined && isReduced(other)
      case _ => false
    }

  /** Whether the rows of a plan are only some of those of its tables. */
  def isReduced(plan: LogicalPlan): Boolean = plan.exists {
    case Filter(condition, _) => !isOnlyKnown(condition)
    case _: LocalLimit | _: GlobalLimit | _: Offset | _: Sample => true
    case Join(_, _, LeftSemi | LeftAnti, _, _) => true
    case _ => false
  }

  /** Whether a condition asks for no more than that columns are not NULL, as every join does. */
  private def isOnlyKnown(condition: Expression): Boolean = condition match {
    case And(left, right) => isOnlyKnown(left) && isOnlyKnown(right)
    case IsNotNull(_: Attribute) => true
    case _ => false
  }
}
