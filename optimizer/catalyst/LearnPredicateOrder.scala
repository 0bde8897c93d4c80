package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.plans.logical._

/**
 * Evaluates the calls of several predicates in one pass, in which each is asked only about the rows
 * that those before it let pass. In which order, the workers learn window by window: what asks few
 * tokens and lets few rows pass comes first.
 *
 * {{{
 *   Filter ((llm(classify, a) = good) AND (llm(is it short?, b) = yes))
 *   +- Relation [a, b]
 * }}}
 * becomes
 * {{{
 *   Filter ((llm#1 = good) AND (llm#2 = yes))
 *   +- LLMEval [llm(classify, a) AS llm#1, llm(is it short?, b) AS llm#2],
 *          where ((llm#1 = good) AND (llm#2 = yes))
 *      +- Relation [a, b]
 * }}}
 * The operands of OR are ordered alike: the second is asked where the first is not true.
 *
 * Only predicates that workers understand take part ([[AnswerCondition]]), and only calls whose
 * arguments can't fail, as they are computed for all rows. The other predicates filter above, in
 * the order in which they are written.
 */
object LearnPredicateOrder extends PredicateHelper {

  /** The filter with the answers of its calls below it; None where there is no order to learn. */
  def apply(filter: Filter): Option[LogicalPlan] =
    if (!Switch.LearnedPredicateOrder.isOn) {
      None
    } else {
      val (learned, others) = splitConjunctivePredicates(filter.condition)
        .partition(predicate => LLMCall.isIn(predicate) && isLearned(predicate, filter.child))
      val calls = ExpressionSet(learned.flatMap(callsIn)).toSeq
      if (calls.size < 2) None
      else {
        Switch.LearnedPredicateOrder.fired()
        val pass = evaluated(learned, calls, filter.child)
        Some(others.reduceOption(And).fold[LogicalPlan](pass)(Filter(_, pass)))
      }
    }

  private def evaluated(
      predicates: Seq[Expression], calls: Seq[Expression], child: LogicalPlan): LogicalPlan = {
    val asked = calls.map(Alias(_, LLMFunction.Name)())
    val condition = answered(predicates.reduce(And), asked)
    Filter(condition, LLMEval(asked, child, wanted = Some(condition)))
  }

  private def isLearned(predicate: Expression, child: LogicalPlan): Boolean = {
    val calls = ExpressionSet(callsIn(predicate)).toSeq
    val asked = calls.map(Alias(_, LLMFunction.Name)())
    calls.forall {
      case call: LLMCall =>
        call.references.subsetOf(child.outputSet) && !call.spec.isDetail &&
          call.arguments.forall(a => a.deterministic && !GuardLLMCalls.mayFail(a)) &&
          ComputedBelow(child, call).isEmpty
      case _ => false
    } && new AnswerCondition(asked.map(_.toAttribute))(answered(predicate, asked)).isDefined
  }

  private def answered(predicate: Expression, asked: Seq[Alias]): Expression =
    predicate.transformDown { case call: LLMCall =>
      asked.find(_.child.semanticEquals(call)).map(_.toAttribute).getOrElse(call)
    }

  private def callsIn(predicate: Expression): Seq[LLMCall] =
    predicate.collect { case call: LLMCall => call }
}
