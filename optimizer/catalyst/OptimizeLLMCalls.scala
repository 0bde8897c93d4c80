package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.catalyst.trees.TreePattern.PYTHON_UDF

/** The rules of the optimizer, in the order in which they run. See [[FiredRules]]. */
object OptimizeLLMCalls extends Rule[LogicalPlan] {
  private val rules: Seq[Rule[LogicalPlan]] =
    Seq(
      CollectForAggregates,
      ConstantLLMCalls,
      Noted(DropInferredCalls, Switch.DropInferredCalls),
      ExtractLLMCalls,
      RowsBeforeCalls,
      CombineLLMEvals,
      Noted(LimitBeforeLLMEval, Switch.LimitFirst),
      Noted(TopRowsBeforeLLMEval, Switch.TopRowsFirst),
      Noted(LimitStopsAsking, Switch.LimitStopsAsking),
      Noted(FanOutLast, Switch.FanOutLast),
      Noted(FuseCalls, Switch.Fuse),
      FieldOrder,
      Noted(ExchangeByPrefix, Switch.PrefixExchange))

  override def apply(plan: LogicalPlan): LogicalPlan =
    if (!plan.containsPattern(PYTHON_UDF)) plan
    else FiredRules.noting(rules.foldLeft(plan)((changed, rule) => rule(changed)))
}
