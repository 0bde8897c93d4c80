package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.plans.logical._
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.catalyst.trees.TreePattern.PYTHON_UDF

/**
 * Takes the first rows before their calls are evaluated, not after.
 *
 * {{{
 *   GlobalLimit 10
 *   +- LocalLimit 10
 *      +- Project [llm#1]
 *         +- LLMEval [llm(classify, a) AS llm#1]
 *            +- Relation [a]
 * }}}
 * becomes
 * {{{
 *   Project [llm#1]
 *   +- LLMEval [llm(classify, a) AS llm#1]
 *      +- GlobalLimit 10
 *         +- LocalLimit 10
 *            +- Relation [a]
 * }}}
 */
object LimitBeforeLLMEval extends Rule[LogicalPlan] {
  override def apply(plan: LogicalPlan): LogicalPlan =
    if (!Switch.LimitFirst.isOn) {
      plan
    } else {
      plan.transformUpWithPruning(_.containsPattern(PYTHON_UDF)) {
        case limit @ (_: LocalLimit | _: GlobalLimit | _: Offset)
            if limit.children.exists(isPassed) =>
          below(limit.children.head, limit.asInstanceOf[UnaryNode])
      }
    }

  private def isPassed(plan: LogicalPlan): Boolean = plan match {
    case _: LLMEval => true
    case Project(list, child) => list.forall(_.deterministic) && isPassed(child)
    case _ => false
  }

  private def below(plan: LogicalPlan, limit: UnaryNode): LogicalPlan = plan match {
    case project: Project => project.copy(child = below(project.child, limit))
    case evaluation @ LLMEval(_, child: LLMEval, _, _, _, _, _) =>
      evaluation.copy(child = below(child, limit))
    case evaluation: LLMEval =>
      evaluation.copy(child = limit.withNewChildren(Seq(evaluation.child)))
    case other => other
  }
}
