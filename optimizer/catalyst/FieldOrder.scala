package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions.{Attribute, Expression, Literal}
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.catalyst.trees.TreePattern.PYTHON_UDF
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.types.{ArrayType, IntegerType}

/**
 * With `spark.sparkllm.optimizer.columnOrder = perQuery`, gives all rows of calls one order of their
 * fields: by statistics, where ANALYZE TABLE … FOR COLUMNS has gathered them for all columns, else
 * learned from a sample when the query runs.
 *
 * {{{
 *   LLMEval [llm(classify, a, b) AS llm#1]
 * }}}
 * becomes
 * {{{
 *   LLMEval [llm(classify, a, b) AS llm#1], order [1, 0]
 *   LLMEval [llm(classify, a, b) AS llm#1], order scalar-subquery#2.order
 * }}}
 *
 * Where a sample would ask other calls, or take more rows than a LIMIT, the order is as written.
 */
object FieldOrder extends Rule[LogicalPlan] {
  private val ColumnOrder = "spark.sparkllm.optimizer.columnOrder"

  override def apply(plan: LogicalPlan): LogicalPlan =
    if (SQLConf.get.getConfString(ColumnOrder, "asWritten") != "perQuery" || plan.isStreaming) plan
    else {
      plan.transformWithPruning(_.containsPattern(PYTHON_UDF)) {
        case evaluation: LLMEval if evaluation.order.isEmpty && evaluation.columns.size > 1 =>
          evaluation.copy(order = Some(orderOf(evaluation)))
      }
    }

  private def orderOf(evaluation: LLMEval): Expression =
    byStatistics(evaluation).getOrElse {
      if (evaluation.firstWindow.isEmpty && SampledPlan.isPossible(evaluation)) {
        SampledPlan.of(evaluation, Engines.partitions).order
      } else {
        literal(evaluation.columns.indices)
      }
    }

  /**
   * Columns by what they save against how much they split the rows: bytes times the logarithm of
   * rows for each distinct value.
   */
  private def byStatistics(evaluation: LLMEval): Option[Expression] = {
    val known = evaluation.columns.map {
      case column: Attribute => ColumnStatistics.of(column, evaluation.child)
      case _ => None
    }
    if (known.exists(_.isEmpty)) None
    else {
      val worth = known.flatten.map(one => one.bytes * math.log(one.rows / one.distinct))
      Some(literal(worth.indices.sortBy(-worth(_))))
    }
  }

  private def literal(order: Seq[Int]): Literal =
    Literal.create(order, ArrayType(IntegerType, containsNull = false))
}
