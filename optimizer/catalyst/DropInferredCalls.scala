package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.plans._
import org.apache.spark.sql.catalyst.plans.logical._
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.catalyst.trees.TreePattern.PYTHON_UDF

/**
 * Drops predicates with calls that Spark inferred: what holds for a column holds for one that is
 * equal to it, but asking about both costs twice as much.
 *
 * {{{
 *   Join Inner, (a = b)
 *   :- Filter (llm(classify, a) = good)
 *   :  +- Relation [a]
 *   +- Filter (llm(classify, b) = good)
 *      +- Relation [b]
 * }}}
 * becomes
 * {{{
 *   Join Inner, (a = b)
 *   :- Filter (llm(classify, a) = good)
 *   :  +- Relation [a]
 *   +- Relation [b]
 * }}}
 * Of an inner join the side with fewer rows is asked, of others the one whose rows are kept.
 */
object DropInferredCalls extends Rule[LogicalPlan] with PredicateHelper {
  override def apply(plan: LogicalPlan): LogicalPlan =
    if (!Switch.DropInferredCalls.isOn) {
      plan
    } else {
      plan.transformDownWithPruning(_.containsPattern(PYTHON_UDF)) {
        case join @ Join(left, right, joinType, Some(condition), _) =>
          joinType match {
            case _: InnerLike if Estimates.estimatedRows(left) > Estimates.estimatedRows(right) =>
              join.copy(left = without(left, right, condition))
            case RightOuter => join.copy(left = without(left, right, condition))
            case _: InnerLike | LeftOuter | LeftSemi | LeftAnti =>
              join.copy(right = without(right, left, condition))
            case _ => join
          }
      }
    }

  /** One side of a join without the predicates that the other side has, too. */
  private def without(side: LogicalPlan, other: LogicalPlan, condition: Expression): LogicalPlan = {
    val there = ExpressionSet(predicates(other))
    val equal = equalities(condition, side, other)
    if (there.isEmpty || equal.isEmpty) side else dropped(side, there, equal)
  }

  private def equalities(
      condition: Expression, side: LogicalPlan, other: LogicalPlan): AttributeMap[Attribute] = {
    def pair(one: Attribute, two: Attribute) =
      if (!PromptIdentity(one.dataType)) None
      else if (side.outputSet.contains(one) && other.outputSet.contains(two)) Some(one -> two)
      else if (side.outputSet.contains(two) && other.outputSet.contains(one)) Some(two -> one)
      else None
    AttributeMap(splitConjunctivePredicates(condition).collect {
      case EqualTo(one: Attribute, two: Attribute) => pair(one, two)
      case EqualNullSafe(one: Attribute, two: Attribute) => pair(one, two)
    }.flatten)
  }

  /** The predicates with calls that hold for all rows of a plan. */
  private def predicates(plan: LogicalPlan): Seq[Expression] = plan match {
    case Filter(condition, child) =>
      splitConjunctivePredicates(condition).filter(LLMCall.isIn) ++ predicates(child)
    case Project(list, child) =>
      val names = AttributeMap(renamed(list).map { case (column, name) => column -> name })
      predicates(child).map(inTerms(_, names))
    case other => throughWhich(other).flatMap(predicates)
  }

  /** The plan without predicates that are among `there` once columns are replaced by equal ones. */
  private def dropped(
      plan: LogicalPlan, there: ExpressionSet, equal: AttributeMap[Attribute]): LogicalPlan =
    plan match {
      case Filter(condition, child) =>
        val below = dropped(child, there, equal)
        val left = splitConjunctivePredicates(condition)
          .filterNot(part => LLMCall.isIn(part) && there.contains(inTerms(part, equal)))
        left.reduceOption(And).fold(below)(Filter(_, below))
      case Project(list, child) =>
        val below = renamed(list).flatMap { case (column, name) =>
          equal.get(name).map(column -> _)
        }
        plan.withNewChildren(Seq(dropped(child, there, equal ++ AttributeMap(below))))
      case other =>
        val through = throughWhich(other)
        other.withNewChildren(other.children.map { child =>
          if (through.exists(_.eq(child))) dropped(child, there, equal) else child
        })
    }

  /** The children each of whose predicates holds for all rows of the plan that come of it. */
  private def throughWhich(plan: LogicalPlan): Seq[LogicalPlan] = plan match {
    case Join(left, right, _: InnerLike, _, _) => Seq(left, right)
    case Join(left, _, LeftOuter | LeftSemi | LeftAnti, _, _) => Seq(left)
    case _ => Nil
  }

  /** The columns that a projection gives another name, with that name. */
  private def renamed(list: Seq[NamedExpression]): Seq[(Attribute, Attribute)] = list.collect {
    case alias @ Alias(column: Attribute, _) => column -> alias.toAttribute
  }

  private def inTerms(expression: Expression, columns: AttributeMap[Attribute]): Expression =
    expression.transform { case column: Attribute => columns.getOrElse(column, column) }
}
