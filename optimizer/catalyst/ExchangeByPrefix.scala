package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.plans.logical._
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.catalyst.trees.TreePattern.PYTHON_UDF
import org.apache.spark.sql.internal.SQLConf

/**
 * Brings rows whose prompts begin alike to the same task, equal ones next to each other.
 *
 * {{{
 *   LLMEval [llm(classify, a, b) AS llm#1]
 *   +- Relation [a, b]
 * }}}
 * becomes
 * {{{
 *   LLMEval [llm(classify, a, b) AS llm#1]
 *   +- Project [a, b]
 *      +- Sort [prefix#2], not global
 *         +- Project [a, b, prefix_key(subquery.order, a, b) AS prefix#2]
 *            +- RepartitionByExpression [planned_partition(prefix_key(…), subquery.bounds)]
 *               +- Relation [a, b]
 * }}}
 *
 * Equal inputs are then asked once in the whole query, not once in each task. Where a partition
 * begins is known from a sample of the distinct inputs, planned when the query runs: see
 * [[SampledPlan]]. Partitions have equal work, in tokens that no cache serves, so a value that most
 * rows have is split along the next column.
 *
 * Left alone are inputs below `spark.sparkllm.optimizer.prefixExchange.minRows`, what has an order
 * or a partitioning that the query asked for, rows of which a LIMIT takes the first, streams,
 * answers of other calls (a sample would ask them), and queries that look at partitions and files.
 */
object ExchangeByPrefix extends Rule[LogicalPlan] {
  private val MinRows = "spark.sparkllm.optimizer.prefixExchange.minRows"
  private val DefaultMinRows = 10000L

  override def apply(plan: LogicalPlan): LogicalPlan =
    if (!Switch.PrefixExchange.isOn || !plan.containsPattern(PYTHON_UDF) || plan.isStreaming
        || looksAtPartitions(plan)) {
      plan
    } else {
      val partitions = Engines.partitions
      if (partitions > 1) exchanged(plan, partitions, limited = false) else plan
    }

  /** @param limited whether a LIMIT above may need only some of the rows */
  private def exchanged(plan: LogicalPlan, partitions: Int, limited: Boolean): LogicalPlan =
    plan match {
      case evaluation: LLMEval if !limited && isExchangeable(evaluation) =>
        evaluation.copy(child = exchanged(evaluation, partitions))
      case other =>
        val below = other match {
          case _: LocalLimit | _: GlobalLimit | _: Offset => true
          case sort: Sort => limited && !sort.global
          case _: Aggregate | _: Distinct | _: Window | _: RepartitionOperation => false
          case _ => limited
        }
        other.mapChildren(exchanged(_, partitions, below))
    }

  private def exchanged(evaluation: LLMEval, partitions: Int): LogicalPlan = {
    val plan = evaluation.order match {
      case Some(GetStructField(learned: ScalarSubquery, _, _)) => SampledPlan(learned)
      case _ => SampledPlan.of(evaluation, partitions)
    }
    val rows = evaluation.child
    val key = PrefixKey(plan.order, LLMEval.cells(evaluation.columns))
    val partition = PlannedPartition(key, plan.bounds, partitions)
    val moved = RepartitionByExpression(Seq(partition), rows, partitions)
    val prefix = Alias(key, "prefix")()
    val order = Seq(SortOrder(prefix.toAttribute, Ascending))
    Project(rows.output, Sort(order, global = false, Project(rows.output :+ prefix, moved)))
  }

  /** The calls on the rows as they were before. */
  def undone(evaluation: LLMEval): LLMEval = evaluation.child match {
    case Project(_, Sort(_, false, Project(_, moved: RepartitionByExpression), _))
        if moved.partitionExpressions.exists(_.isInstanceOf[PlannedPartition]) =>
      evaluation.copy(child = moved.child)
    case _ => evaluation
  }

  private def isExchangeable(evaluation: LLMEval): Boolean = {
    val rows = evaluation.child
    rows.outputOrdering.isEmpty && !isArranged(rows) &&
      evaluation.columns.exists(!_.foldable) && SampledPlan.isPossible(evaluation) &&
      Estimates.estimatedRows(rows) >= minRows
  }

  /** Whether the query says in which order or partitions these rows come. */
  private def isArranged(plan: LogicalPlan): Boolean = plan match {
    case _: Sort | _: RepartitionOperation | _: RebalancePartitions => true
    case _: OrderPreservingUnaryNode | _: GlobalLimit | _: LocalLimit | _: Offset =>
      isArranged(plan.children.head)
    case _ => false
  }

  private def minRows: BigInt =
    BigInt(SQLConf.get.getConfString(MinRows, DefaultMinRows.toString).toLong)

  private def looksAtPartitions(plan: LogicalPlan): Boolean = plan.exists {
    _.expressions.exists(_.exists {
      case _: InputFileName | _: InputFileBlockStart | _: InputFileBlockLength => true
      case _: SparkPartitionID | _: MonotonicallyIncreasingID => true
      case _ => false
    })
  }
}
