package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.plans.logical.{LogicalPlan, Project}
import org.apache.spark.sql.catalyst.trees.TreePattern.PYTHON_UDF
import org.apache.spark.sql.execution.{SparkPlan, SparkStrategy}

/**
 * Plans [[LLMEval]] as [[LLMEvalExec]], without calls whose answer is not used, and [[PairLimit]]
 * as [[PairLimitExec]].
 *
 * Semi joins that were made of subqueries after [[ExtractLLMCalls]] ran may still hold calls: they
 * are extracted here.
 */
object LLMStrategy extends SparkStrategy {
  override def apply(plan: LogicalPlan): Seq[SparkPlan] = plan match {
    case PairLimit(most, isPair, child) => Seq(PairLimitExec(most, isPair, planLater(child)))
    case _ if !plan.containsPattern(PYTHON_UDF) => Nil
    case project @ Project(_, evaluation: LLMEval) if isPrunable(project, evaluation) =>
      val used = evaluation.calls.filter(call => project.references.contains(call.toAttribute))
      val pruned = evaluation.copy(calls = used)
      pruned.copyTagsFrom(evaluation)
      val child = if (used.isEmpty) evaluation.child else pruned
      Seq(planLater(project.copy(child = child)))
    case evaluation @ LLMEval(calls, child, firstWindow, order, wanted, kept, fused) =>
      val notes = CallNotes.of(evaluation)
      Seq(LLMEvalExec(calls, planLater(child), firstWindow, order, wanted, kept, fused, notes))
    case operator if operator.expressions.exists(LLMCall.isIn) =>
      Seq(planLater(ExtractLLMCalls.extract(operator)))
    case _ => Nil
  }

  private def isPrunable(project: Project, evaluation: LLMEval): Boolean =
    evaluation.calls.exists(call => !project.references.contains(call.toAttribute))
}
