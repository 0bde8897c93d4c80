package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions.{Alias, Attribute, AttributeMap}
import org.apache.spark.sql.catalyst.plans._
import org.apache.spark.sql.catalyst.plans.logical._

/**
 * Finds the answer of a call that an [[LLMEval]] further down evaluates on the same rows, and
 * passes it up.
 *
 * {{{
 *   ComputedBelow(Project [a], llm(classify, a))
 *                 +- Filter (llm#1 = good)
 *                    +- LLMEval [llm(classify, a) AS llm#1]
 * }}}
 * is `llm#1` and
 * {{{
 *   Project [a, llm#1]
 *   +- Filter (llm#1 = good)
 *      +- LLMEval [llm(classify, a) AS llm#1]
 * }}}
 */
object ComputedBelow {

  /** `plan` with the answer of `call` among its output, and the answer; None if it has none. */
  def apply(plan: LogicalPlan, call: LLMCall): Option[(LogicalPlan, Attribute)] = plan match {
    case evaluation: LLMEval =>
      evaluation.answerOf(call).orElse(inChild(evaluation, call))
    case project @ Project(list, child) =>
      apply(child, beneath(project, call)).map { case (exposed, answer) =>
        val passed = if (list.exists(_.exprId == answer.exprId)) list else list :+ answer
        Project(passed, exposed) -> answer
      }
    case _: Filter | _: Sort | _: Sample | _: GlobalLimit | _: LocalLimit | _: Offset | _: Window |
        _: RepartitionOperation | _: PairLimit =>
      inChild(plan.asInstanceOf[UnaryNode], call)
    case generate: Generate => inChild(generate, call)
    case join @ Join(left, right, joinType, _, _) =>
      joinType match {
        case _: InnerLike => inLeft(join, left, call).orElse(inRight(join, right, call))
        case LeftOuter | LeftExistence(_) => inLeft(join, left, call)
        case RightOuter => inRight(join, right, call)
        case _ => None
      }
    case _ => None
  }

  private def inChild(node: UnaryNode, call: LLMCall): Option[(LogicalPlan, Attribute)] =
    found(node.child, call).map { case (exposed, answer) =>
      node.withNewChildren(Seq(exposed)) -> answer
    }

  private def inLeft(join: Join, left: LogicalPlan, call: LLMCall) =
    found(left, call).map { case (exposed, answer) => join.copy(left = exposed) -> answer }

  private def inRight(join: Join, right: LogicalPlan, call: LLMCall) =
    found(right, call).map { case (exposed, answer) => join.copy(right = exposed) -> answer }

  private def found(plan: LogicalPlan, call: LLMCall) =
    if (call.references.subsetOf(plan.outputSet)) apply(plan, call) else None

  /** The call in terms of what the projection's child gives. */
  private def beneath(project: Project, call: LLMCall): LLMCall = {
    val aliases = AttributeMap(project.projectList.collect { case alias: Alias =>
      alias.toAttribute -> alias.child
    })
    val moved = call.transform { case attribute: Attribute =>
      aliases.getOrElse(attribute, attribute)
    }
    moved.asInstanceOf[LLMCall]
  }
}
