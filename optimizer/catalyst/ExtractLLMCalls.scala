package org.apache.spark.sql.sparkllm

import scala.collection.mutable

import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.optimizer.ColumnPruning
import org.apache.spark.sql.catalyst.plans.logical._
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.catalyst.trees.TreePattern.PYTHON_UDF

/**
 * Moves calls out of the expressions of an operator into an [[LLMEval]] below it, so that each
 * distinct call is evaluated once a row, however often it is named.
 *
 * {{{
 *   Project [llm(classify, a), upper(llm(classify, a)), llm(summarize, llm(translate, b))]
 *   +- Relation [a, b, c]
 * }}}
 * becomes
 * {{{
 *   Project [llm#1, upper(llm#1), llm#3]
 *   +- LLMEval [llm(summarize, llm#2) AS llm#3]
 *      +- LLMEval [llm(classify, a) AS llm#1, llm(translate, b) AS llm#2]
 *         +- Project [a, b]
 *            +- Relation [a, b, c]
 * }}}
 *
 * A call that is evaluated further down already is not evaluated again: its answer is passed up,
 * see [[ComputedBelow]]. Filters are taken apart first, so that what needs no call is filtered
 * below; see [[SplitBeforeExtraction]], which also deals with aggregates and join conditions.
 *
 * It runs once the operators are optimized, as by then filters stand where they belong, columns
 * that nobody needs are gone, and no later rule copies expressions. Correlated subqueries become
 * joins after that, so their calls are extracted in the plan of the query around them.
 */
object ExtractLLMCalls extends Rule[LogicalPlan] {

  override def apply(plan: LogicalPlan): LogicalPlan = plan match {
    case subquery: Subquery if subquery.correlated => plan
    case _ if !plan.containsPattern(PYTHON_UDF) => plan
    case _ =>
      val extracted = everywhere(plan)
      if (extracted.fastEquals(plan)) plan else ColumnPruning(extracted)
  }

  /** The plan without calls outside of [[LLMEval]], those of correlated subqueries included. */
  private def everywhere(plan: LogicalPlan): LogicalPlan =
    plan.transformUpWithPruning(_.containsPattern(PYTHON_UDF)) {
      case evaluation: LLMEval => evaluation
      case operator => extract(inSubqueries(operator))
    }

  private def inSubqueries(operator: LogicalPlan): LogicalPlan =
    operator.transformExpressionsWithPruning(_.containsPattern(PYTHON_UDF)) {
      case subquery: SubqueryExpression if subquery.plan.containsPattern(PYTHON_UDF) =>
        subquery.withNewPlan(everywhere(subquery.plan))
    }

  /** The operator with the same output, its calls evaluated below it. */
  def extract(operator: LogicalPlan): LogicalPlan =
    if (pending(operator).isEmpty) {
      operator
    } else {
      val rewritten = SplitBeforeExtraction(operator) match {
        case Some(split) => extractParts(split, operator)
        case None => evaluatedBelow(GuardLLMCalls(operator))
      }
      if (rewritten.output == operator.output) rewritten
      else Project(operator.output, rewritten)
    }

  /** Extracts from each of the operators that `operator` was split into. */
  private def extractParts(part: LogicalPlan, operator: LogicalPlan): LogicalPlan =
    if (part.isInstanceOf[LLMEval] || operator.children.exists(_.eq(part))) part
    else extract(part.withNewChildren(part.children.map(extractParts(_, operator))))

  /** The calls are evaluated below, the innermost first, which hold no other call. */
  @scala.annotation.tailrec
  private def evaluatedBelow(operator: LogicalPlan): LogicalPlan =
    if (pending(operator).isEmpty) operator else evaluatedBelow(innermostBelow(operator))

  private def innermostBelow(operator: LogicalPlan): LogicalPlan = {
    val prepared = PullOutArguments(operator)
    val calls = ExpressionSet(pending(prepared)).toSeq.collect { case call: LLMCall => call }
    val answers = mutable.ArrayBuffer.empty[(LLMCall, Attribute)]
    val children = prepared.children.map { child =>
      val mine = calls.filter { call =>
        call.references.subsetOf(child.outputSet) && !answers.exists(_._1.eq(call))
      }
      evaluate(prunedFor(prepared, child, mine), mine, answers)
    }
    if (answers.isEmpty) {
      throw new IllegalStateException(s"no child gives all columns of ${calls.mkString(", ")}")
    }
    prepared.withNewChildren(children).transformExpressionsDownWithPruning(
      _.containsPattern(PYTHON_UDF)) {
      case call: LLMCall => answerOf(call, answers).getOrElse(call)
    }
  }

  /**
   * The innermost calls, which hold no other call. Those in the condition of a correlated subquery
   * take columns of both queries, and wait until it is a join.
   */
  private def pending(operator: LogicalPlan): Seq[Expression] =
    operator.expressions.filter(LLMCall.isIn).flatMap(_.collect {
      case call: LLMCall
          if !call.children.exists(LLMCall.isIn) && call.references.subsetOf(operator.inputSet) =>
        call
    })

  private def answerOf(call: LLMCall, answers: Iterable[(LLMCall, Attribute)]) =
    answers.collectFirst { case (asked, answer) if asked.semanticEquals(call) => answer }

  /** `child` with the answers of `calls` among its output; notes them in `answers`. */
  private def evaluate(
      child: LogicalPlan,
      calls: Seq[LLMCall],
      answers: mutable.Buffer[(LLMCall, Attribute)]): LogicalPlan = {
    val (below, asked) = calls.foldLeft((child, Vector.empty[Alias])) {
      case ((plan, asked), call) =>
        ComputedBelow(plan, call) match {
          case Some((exposed, answer)) =>
            answers += call -> answer
            (exposed, asked)
          case None =>
            val alias = Alias(call, LLMFunction.Name)()
            answers += call -> alias.toAttribute
            (plan, asked :+ alias)
        }
    }
    if (asked.isEmpty) below else LLMEval(asked, below)
  }

  /** The child without columns that neither the operator nor the calls need. */
  private def prunedFor(
      operator: LogicalPlan, child: LogicalPlan, calls: Seq[LLMCall]): LogicalPlan =
    operator match {
      case _: Project | _: Aggregate if calls.nonEmpty =>
        val needed = child.output.filter(operator.references.contains)
        if (needed.size == child.output.size) child else Project(needed, child)
      case _ => child
    }
}
