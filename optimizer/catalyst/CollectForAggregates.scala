package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions.Expression
import org.apache.spark.sql.catalyst.expressions.aggregate.{AggregateExpression, CollectList}
import org.apache.spark.sql.catalyst.optimizer.PushDownPredicates
import org.apache.spark.sql.catalyst.plans.logical.{Aggregate, LogicalPlan}
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.catalyst.trees.TreePattern.PYTHON_UDF

/**
 * Makes an aggregate function that a model answers a call on the values of the group, which an
 * ordinary aggregate function collects.
 *
 * {{{
 *   Filter ((n > 5) AND (s <> ''))
 *   +- Aggregate [product], [product, llm_agg(review, Sum up) AS s, count(1) AS n]
 * }}}
 * becomes
 * {{{
 *   Filter ((n > 5) AND (llm(agg, aggregate#1) <> ''))
 *   +- Project [product, llm(agg, aggregate#1) AS s, n]
 *      +- Aggregate [product], [product, collect_list(review) AS aggregate#1, count(1) AS n]
 * }}}
 * so that other rules ask only about the groups that are needed.
 *
 * The worker puts the values in order: which task collected them doesn't matter.
 */
object CollectForAggregates extends Rule[LogicalPlan] {

  override def apply(plan: LogicalPlan): LogicalPlan = {
    val collected = plan.transformUpWithPruning(_.containsPattern(PYTHON_UDF)) {
      case aggregate: Aggregate if aggregate.aggregateExpressions.exists(hasOne) =>
        SplitBeforeExtraction.splitAggregate(asCalls(aggregate))
    }
    if (collected.fastEquals(plan)) plan else PushDownPredicates(collected)
  }

  private def hasOne(expression: Expression): Boolean =
    expression.exists(_.isInstanceOf[LLMAggregate])

  private def asCalls(aggregate: Aggregate): Aggregate =
    aggregate.transformExpressionsDown {
      case AggregateExpression(LLMAggregate(_, spec, value), mode, isDistinct, filter, _) =>
        val values = new CollectList(value)
        LLMCall(spec, Seq(AggregateExpression(values, mode, isDistinct, filter)))
    }.asInstanceOf[Aggregate]
}
