package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.plans.logical._

/**
 * Calls on the rows of a plan, and what is done with their answers:
 * {{{
 *   Project [id, llm#1]                         \
 *   +- Filter (llm#1 = good)                     } operators, from the top
 *      +- LLMEval [llm(classify, a) AS llm#1]   /
 *         +- Relation [id, a]                     rows
 * }}}
 * Each row is treated by itself, so the operators can be put on other rows that have the columns.
 */
case class CallChain(operators: Seq[UnaryNode], rows: LogicalPlan) {

  def answers: AttributeSet = AttributeSet(operators.flatMap {
    case evaluation: LLMEval => evaluation.producedAttributes.toSeq
    case _ => Nil
  })

  /** The columns of `rows` that the operators need. */
  def needed: AttributeSet =
    AttributeSet.fromAttributeSets(operators.collect {
      case operator @ (_: Filter | _: LLMEval) => operator.references
    }).intersect(rows.outputSet)

  /** Whether columns only pass the projections, under no new name. */
  def onlySelects: Boolean = operators.forall {
    case Project(list, _) => list.forall(_.isInstanceOf[Attribute])
    case _ => true
  }

  /** The operators on other rows; projections let `passed` columns through, too. */
  def on(others: LogicalPlan, passed: Seq[Attribute]): LogicalPlan =
    operators.foldRight(others) {
      case (Project(list, _), child) => Project(list ++ passed.filterNot(list.contains), child)
      case (operator, child) => operator.withNewChildren(Seq(child))
    }
}

object CallChain {

  /** The chain down to the lowest call that only such operators are above. */
  def unapply(plan: LogicalPlan): Option[CallChain] = {
    val operators = Iterator
      .unfold(plan) {
        case operator @ (_: Project | _: Filter | _: LLMEval)
            if operator.deterministic && !operator.expressions.exists(SubqueryExpression.hasSubquery) =>
          Some((operator.asInstanceOf[UnaryNode], operator.children.head))
        case _ => None
      }
      .toSeq
    val lowest = operators.lastIndexWhere {
      case evaluation: LLMEval => evaluation.firstWindow.isEmpty
      case _ => false
    }
    if (lowest < 0) None else Some(CallChain(operators.take(lowest + 1), operators(lowest).child))
  }
}
