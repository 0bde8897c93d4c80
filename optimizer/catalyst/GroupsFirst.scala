package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions.Attribute
import org.apache.spark.sql.catalyst.plans.logical._

/**
 * Groups rows before predicates on what they are grouped by ask about them, so that each group is
 * asked about once.
 *
 * {{{
 *   Aggregate [product], [product, count(1)]
 *   +- Filter (llm#1 = good)
 *      +- LLMEval [llm(classify, product) AS llm#1]
 *         +- Relation [product]
 * }}}
 * becomes
 * {{{
 *   Filter (llm#1 = good)
 *   +- LLMEval [llm(classify, product) AS llm#1]
 *      +- Aggregate [product], [product, count(1)]
 *         +- Relation [product]
 * }}}
 * DISTINCT is such an aggregation, and so are UNION, INTERSECT and EXCEPT.
 */
object GroupsFirst {
  def apply(aggregate: Aggregate): Option[LogicalPlan] = aggregate.child match {
    case CallChain(chain) if Switch.GroupsFirst.isOn && isAboutGroups(chain, aggregate) =>
      val missing = chain.needed.toSeq.filterNot(aggregate.outputSet.contains)
      val grouped = aggregate.copy(
        aggregateExpressions = aggregate.aggregateExpressions ++ missing, child = chain.rows)
      val asking = chain.copy(operators = chain.operators.filterNot(_.isInstanceOf[Project]))
      Some(Project(aggregate.output, asking.on(grouped, Nil)))
    case _ => None
  }

  private def isAboutGroups(chain: CallChain, aggregate: Aggregate): Boolean = {
    val keys = aggregate.groupingExpressions.collect { case key: Attribute => key }
    chain.onlySelects && keys.nonEmpty &&
      chain.needed.forall { column =>
        PromptIdentity(column.dataType) && keys.exists(_.semanticEquals(column))
      } &&
      aggregate.references.intersect(chain.answers).isEmpty
  }
}
