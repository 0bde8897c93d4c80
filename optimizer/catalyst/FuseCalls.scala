package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions.{Alias, Attribute}
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.catalyst.trees.TreePattern.PYTHON_UDF

/**
 * Lets calls on the same columns share one pass over a row's text: their prompts begin with the
 * row, and each instruction is a branch of the prefix cache behind it.
 *
 * {{{
 *   LLMEval [llm(classify, a) AS llm#1, llm(summarize, a) AS llm#2]
 *   +- Relation [a]
 * }}}
 * becomes
 * {{{
 *   LLMEval [llm(classify, a) AS llm#1, llm(summarize, a) AS llm#2], fused [llm#1, llm#2]
 *   +- Relation [a]
 * }}}
 *
 * Whether it saves tokens depends on the row: its text is computed once for all calls, but each
 * instruction for every row, which rows share otherwise. So workers decide row by row, by lengths
 * alone: equal rows have equal prompts, whatever task or window they are in. As models may answer
 * otherwise, the rule is off unless it is asked for.
 *
 * Calls take part whose columns all stand behind their instruction, not in a slot of it.
 */
object FuseCalls extends Rule[LogicalPlan] {
  override def apply(plan: LogicalPlan): LogicalPlan =
    if (!Switch.Fuse.isOn) {
      plan
    } else {
      plan.transformWithPruning(_.containsPattern(PYTHON_UDF)) {
        case evaluation: LLMEval if evaluation.wanted.isEmpty =>
          evaluation.copy(fused = groups(evaluation.calls))
      }
    }

  private def groups(calls: Seq[Alias]): Seq[Seq[Attribute]] =
    calls
      .filter(alias => isFusible(call(alias)))
      .groupBy(alias => shown(call(alias)))
      .values
      .filter(_.size > 1)
      .map(_.map(_.toAttribute))
      .toSeq
      .sortBy(_.head.exprId.id)

  private def call(alias: Alias): LLMCall = alias.child.asInstanceOf[LLMCall]

  private def isFusible(call: LLMCall): Boolean =
    Instruction.placeholders(call.spec).isEmpty &&
      !TaskRule.named(call.spec.task).exists(_.answer == "tokens")

  /** What a row's part of the prompt is made of, and which rows have one. */
  private def shown(call: LLMCall) =
    (call.spec.columns, call.spec.json, call.children.map(_.canonicalized))
}
