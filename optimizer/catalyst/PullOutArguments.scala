package org.apache.spark.sql.sparkllm

import scala.collection.mutable

import org.apache.spark.sql.catalyst.expressions.{Alias, Expression}
import org.apache.spark.sql.catalyst.plans.logical.{LogicalPlan, Project, UnaryNode}
import org.apache.spark.sql.catalyst.trees.TreePattern.PYTHON_UDF

/**
 * Computes the non-deterministic arguments of calls in a projection below, once for each row and
 * each place where they stand.
 *
 * {{{
 *   Project [llm(classify, a, rand())]
 * }}}
 * becomes
 * {{{
 *   Project [llm(classify, a, argument#1)]
 *   +- Project [a, rand() AS argument#1]
 * }}}
 */
object PullOutArguments {
  def apply(operator: LogicalPlan): LogicalPlan = operator match {
    case unary: UnaryNode if unary.expressions.exists(hasOne) =>
      val pulled = mutable.ArrayBuffer.empty[Alias]
      val rewritten = unary.transformExpressionsUpWithPruning(_.containsPattern(PYTHON_UDF)) {
        case call: LLMCall =>
          call.copy(arguments = call.arguments.map {
            case argument if argument.deterministic || LLMCall.isIn(argument) => argument
            case argument =>
              pulled += Alias(argument, "argument")()
              pulled.last.toAttribute
          })
      }
      rewritten.withNewChildren(Seq(Project(unary.child.output ++ pulled, unary.child)))
    case _ => operator
  }

  private def hasOne(expression: Expression): Boolean = expression.exists {
    case call: LLMCall =>
      call.arguments.exists(argument => !argument.deterministic && !LLMCall.isIn(argument))
    case _ => false
  }
}
