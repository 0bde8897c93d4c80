package org.apache.spark.sql.sparkllm

import scala.collection.mutable

import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression
import org.apache.spark.sql.catalyst.plans.logical._

/**
 * Takes operators apart whose calls can't all be evaluated below them as they stand.
 *
 * Predicates without a call filter first:
 * {{{
 *   Filter ((a > 1) AND (llm(classify, b) = good))
 * }}}
 * becomes
 * {{{
 *   Filter (llm(classify, b) = good)
 *   +- Filter (a > 1)
 * }}}
 * and of predicates with different calls whose order [[LearnPredicateOrder]] can't learn, each asks
 * only the rows that those before it let pass:
 * {{{
 *   Filter ((llm(classify, b) = good) AND (llm(is it short?, b) = yes))
 * }}}
 * becomes
 * {{{
 *   Filter (llm(is it short?, b) = yes)
 *   +- Filter (llm(classify, b) = good)
 * }}}
 *
 * Calls on the results of an aggregation are evaluated above it, once a group:
 * {{{
 *   Aggregate [product], [llm(classify, product) AS c, count(1) AS n]
 * }}}
 * becomes
 * {{{
 *   Project [llm(classify, product) AS c, n]
 *   +- Aggregate [product], [product, count(1) AS n]
 * }}}
 *
 * Joins whose condition has calls on columns of both sides are for [[SemanticJoin]].
 */
object SplitBeforeExtraction extends PredicateHelper {

  /** The parts, or None where the operator can stay whole. */
  def apply(operator: LogicalPlan): Option[LogicalPlan] = operator match {
    case filter: Filter => splitFilter(filter)
    case aggregate: Aggregate if aggregate.aggregateExpressions.exists(isAbove(_, aggregate)) =>
      Some(splitAggregate(aggregate))
    case join: Join => SemanticJoin(join)
    case _ => None
  }

  private def splitFilter(filter: Filter): Option[LogicalPlan] = {
    val predicates = splitConjunctivePredicates(filter.condition)
    val (calling, cheap) = predicates.partition { predicate =>
      isAsking(predicate, filter.child) || !predicate.deterministic
    }
    if (cheap.nonEmpty && calling.nonEmpty && Switch.CheapPredicatesFirst.isOn) {
      Switch.CheapPredicatesFirst.fired()
      Some(Filter(calling.reduce(And), Filter(cheap.reduce(And), filter.child)))
    } else if (predicates.forall(_.deterministic)) {
      LearnPredicateOrder(filter).orElse(if (cheap.isEmpty) inTurn(filter, calling) else None)
    } else {
      None
    }
  }

  /** Whether a predicate has a call that isn't evaluated below already. */
  private def isAsking(predicate: Expression, child: LogicalPlan): Boolean = predicate.exists {
    case call: LLMCall => ComputedBelow(child, call).isEmpty
    case _ => false
  }

  /** The first predicate and those that need no further call, below the others. */
  private def inTurn(filter: Filter, calling: Seq[Expression]): Option[LogicalPlan] = {
    val asked = callsIn(calling.head)
    val (first, later) = calling.partition(callsIn(_).forall(call => asked.exists(_ == call)))
    if (later.isEmpty || !Switch.PredicatesInTurn.isOn) None
    else {
      Switch.PredicatesInTurn.fired()
      Some(Filter(later.reduce(And), Filter(first.reduce(And), filter.child)))
    }
  }

  private def callsIn(expression: Expression): Seq[Expression] =
    expression.collect { case call: LLMCall => call.canonicalized }

  /** Whether the expression has a call that only the result of the aggregation can be given to. */
  private def isAbove(expression: Expression, aggregate: Aggregate): Boolean = expression match {
    case _ if isResult(expression, aggregate) => false
    case _: LLMCall => true
    case other => other.children.exists(isAbove(_, aggregate))
  }

  private def isResult(expression: Expression, aggregate: Aggregate): Boolean =
    expression.isInstanceOf[AggregateExpression] ||
      aggregate.groupingExpressions.exists(_.semanticEquals(expression))

  /** The aggregation, and above it a projection with the calls on its results. */
  def splitAggregate(aggregate: Aggregate): LogicalPlan = {
    val results = mutable.ArrayBuffer.empty[NamedExpression]
    val list = aggregate.aggregateExpressions.map { expression =>
      if (isAbove(expression, aggregate)) {
        expression.transformDown {
          case part if isResult(part, aggregate) =>
            val named = results.find(unaliased(_).semanticEquals(part)).getOrElse {
              val result = part match {
                case attribute: Attribute => attribute
                case other => Alias(other, "aggregate")()
              }
              results += result
              result
            }
            named.toAttribute
        }.asInstanceOf[NamedExpression]
      } else {
        results += expression
        expression.toAttribute
      }
    }
    Project(list, aggregate.copy(aggregateExpressions = results.toSeq))
  }

  private def unaliased(expression: NamedExpression): Expression = expression match {
    case Alias(child, _) => child
    case other => other
  }
}
