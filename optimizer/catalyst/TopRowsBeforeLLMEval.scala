package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.plans.logical._
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.catalyst.trees.TreePattern.PYTHON_UDF

/**
 * Takes the first rows of an order that needs no answer before the calls are evaluated.
 *
 * {{{
 *   GlobalLimit 10
 *   +- LocalLimit 10
 *      +- Sort [day DESC]
 *         +- Project [day, llm#1]
 *            +- LLMEval [llm(classify, a) AS llm#1]
 *               +- Relation [day, a]
 * }}}
 * becomes
 * {{{
 *   Project [day, llm#1]
 *   +- LLMEval [llm(classify, a) AS llm#1]
 *      +- GlobalLimit 10
 *         +- LocalLimit 10
 *            +- Sort [day DESC]
 *               +- Relation [day, a]
 * }}}
 */
object TopRowsBeforeLLMEval extends Rule[LogicalPlan] {
  override def apply(plan: LogicalPlan): LogicalPlan =
    if (!Switch.TopRowsFirst.isOn) {
      plan
    } else {
      plan.transformDownWithPruning(_.containsPattern(PYTHON_UDF)) {
        case limit @ GlobalLimit(_, local @ LocalLimit(_, project @ Project(list, sort: Sort)))
            if sort.global && list.forall(_.deterministic) &&
              beneath(sort.child, sort.order).isDefined =>
          project.copy(child = limit.copy(child = local.copy(child = sort)))
        case limit @ GlobalLimit(_, local @ LocalLimit(_, sort: Sort)) if sort.global =>
          beneath(sort.child, sort.order)
            .map { case (above, child, order) =>
              val sorted = sort.copy(order = order, child = child)
              above(limit.copy(child = local.copy(child = sorted)))
            }
            .getOrElse(limit)
      }
    }

  /** What stays above, the rows below it and their order; None if the order needs an answer. */
  private def beneath(
      plan: LogicalPlan,
      order: Seq[SortOrder]): Option[(LogicalPlan => LogicalPlan, LogicalPlan, Seq[SortOrder])] =
    plan match {
      case project @ Project(list, child) if list.forall(_.deterministic) =>
        val aliases = AttributeMap(list.collect { case alias: Alias =>
          alias.toAttribute -> alias.child
        })
        val below = order.map(_.transform { case attribute: Attribute =>
          aliases.getOrElse(attribute, attribute)
        }.asInstanceOf[SortOrder])
        beneath(child, below).map { case (above, rows, order) =>
          ((plan: LogicalPlan) => project.copy(child = above(plan)), rows, order)
        }
      case evaluation: LLMEval
          if order.forall(_.references.intersect(evaluation.producedAttributes).isEmpty) =>
        beneath(evaluation.child, order)
          .map { case (above, rows, order) =>
            ((plan: LogicalPlan) => evaluation.copy(child = above(plan)), rows, order)
          }
          .orElse(Some(
            ((plan: LogicalPlan) => evaluation.copy(child = plan), evaluation.child, order)))
      case _ => None
    }
}
