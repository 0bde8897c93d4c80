package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions.Alias
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.catalyst.trees.TreePattern.PYTHON_UDF

/**
 * Evaluates calls that don't need one another's answers in one pass over the rows.
 *
 * {{{
 *   LLMEval [llm(summarize, b) AS llm#2]
 *   +- LLMEval [llm(classify, a) AS llm#1]
 *      +- Relation [a, b]
 * }}}
 * becomes
 * {{{
 *   LLMEval [llm(classify, a) AS llm#1, llm(summarize, b) AS llm#2]
 *   +- Relation [a, b]
 * }}}
 */
object CombineLLMEvals extends Rule[LogicalPlan] {
  override def apply(plan: LogicalPlan): LogicalPlan =
    plan.transformUpWithPruning(_.containsPattern(PYTHON_UDF)) {
      case above @ LLMEval(calls, below: LLMEval, _, _, _, _, _) if areIndependent(calls, below) =>
        above.copy(calls = below.calls ++ calls, child = below.child)
    }

  private def areIndependent(calls: Seq[Alias], below: LLMEval): Boolean =
    calls.forall(_.references.intersect(below.producedAttributes).isEmpty)
}
