package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions.WindowExpression
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan
import org.apache.spark.sql.catalyst.trees.TreePattern.PYTHON_UDF

/** Refuses what can only be seen in the whole query: aggregates inside of calls, and in windows. */
object CheckLLMCalls extends (LogicalPlan => Unit) {
  override def apply(plan: LogicalPlan): Unit =
    if (plan.containsPattern(PYTHON_UDF)) {
      plan.foreachWithSubqueries { operator =>
        operator.expressions.foreach(_.foreach {
          case call: LLMCall if call.exists(_.isInstanceOf[AggregateExpression]) =>
            throw LLMAnalysisException.aggregateInside(call).withPosition(call.origin)
          case window: WindowExpression =>
            window.windowFunction.collectFirst { case aggregate: LLMAggregate =>
              throw LLMAnalysisException.windowOf(aggregate.function).withPosition(window.origin)
            }
          case _ =>
        })
      }
    }
}
