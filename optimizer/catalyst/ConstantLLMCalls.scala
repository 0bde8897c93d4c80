package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression
import org.apache.spark.sql.catalyst.plans.logical._
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.catalyst.trees.TreePattern.PYTHON_UDF

/**
 * Evaluates calls whose arguments are all constant once a query, in a scalar subquery.
 *
 * {{{
 *   Project [a, llm(translate, hello)]
 *   +- Relation [a, b]
 * }}}
 * becomes
 * {{{
 *   Project [a, scalar-subquery#1]
 *   :  +- Project [llm#2]
 *   :     +- LLMEval [llm(translate, hello) AS llm#2]
 *   :        +- OneRowRelation
 *   +- Relation [a, b]
 * }}}
 */
object ConstantLLMCalls extends Rule[LogicalPlan] {

  override def apply(plan: LogicalPlan): LogicalPlan =
    plan.transformWithPruning(_.containsPattern(PYTHON_UDF)) {
      case evaluation: LLMEval => evaluation
      case project @ Project(_, _: OneRowRelation) => project
      case operator =>
        operator.transformExpressionsDownWithPruning(_.containsPattern(PYTHON_UDF)) {
          case call: LLMCall if call.children.forall(isConstant) => once(call)
        }
    }

  private def once(call: LLMCall): Expression = {
    val question = Project(Seq(Alias(call, LLMFunction.Name)()), OneRowRelation())
    ScalarSubquery(ExtractLLMCalls.extract(question))
  }

  private def isConstant(expression: Expression): Boolean =
    expression.references.isEmpty && expression.deterministic && !expression.exists {
      case _: AggregateExpression | _: PlanExpression[_] | _: OuterReference => true
      case _ => false
    }
}
