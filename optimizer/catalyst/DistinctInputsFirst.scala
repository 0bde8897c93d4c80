package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions.{AttributeSet, ExpressionSet}
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression
import org.apache.spark.sql.catalyst.plans.logical._

/**
 * Takes equal rows together before calls are asked, where only different answers are wanted.
 *
 * {{{
 *   Aggregate [llm#1], [llm#1]
 *   +- LLMEval [llm(classify, product) AS llm#1]
 *      +- Relation [id, product]
 * }}}
 * becomes
 * {{{
 *   Aggregate [llm#1], [llm#1]
 *   +- LLMEval [llm(classify, product) AS llm#1]
 *      +- Aggregate [product], [product]
 *         +- Relation [id, product]
 * }}}
 * so that each distinct input is asked about once in the whole query, not once in each task.
 */
object DistinctInputsFirst {
  def apply(aggregate: Aggregate): Option[LogicalPlan] = aggregate.child match {
    case CallChain(chain) if Switch.DistinctInputsFirst.isOn && wantsDistinct(aggregate) =>
      val used = AttributeSet.fromAttributeSets(
        aggregate.references +: chain.operators.map(_.references))
      val columns = chain.rows.output.filter(used.contains)
      val comparable = columns.forall(column => PromptIdentity(column.dataType))
      if (columns.isEmpty || !comparable || isDistinct(chain.rows, AttributeSet(columns))) None
      else {
        val distinct = Aggregate(columns, columns, chain.rows)
        Some(aggregate.copy(child = chain.on(distinct, Nil)))
      }
    case _ => None
  }

  private def wantsDistinct(aggregate: Aggregate): Boolean =
    aggregate.groupingExpressions.nonEmpty && aggregate.groupingExpressions.forall(_.deterministic) &&
      !aggregate.aggregateExpressions.exists(_.exists(_.isInstanceOf[AggregateExpression]))

  private def isDistinct(rows: LogicalPlan, columns: AttributeSet): Boolean =
    rows.distinctKeys.exists(_.subsetOf(ExpressionSet(columns.toSeq)))
}
