package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.plans.logical._
import org.apache.spark.sql.catalyst.plans.logical.statsEstimation.EstimationUtils
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.catalyst.trees.TreePattern.PYTHON_UDF
import org.apache.spark.sql.classic.SparkSession
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.types.StringType

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
 *   +- Sort [substring(a, 1, 256), xxhash64(a), substring(b, 1, 256), xxhash64(b)], not global
 *      +- RepartitionByExpression [the same], a partition for each core
 *         +- Relation [a, b]
 * }}}
 *
 * Equal inputs are then asked once in the whole query, not once in each task, and a value that most
 * rows have is split along the next column, so no task gets more than its share. Spark takes a
 * sample of the input to find the bounds of the partitions; of a text the sample holds the start,
 * and a hash that keeps equal ones together however long the start that others share.
 *
 * Left alone are inputs below `spark.sparkllm.optimizer.prefixExchange.minRows`, what has an order
 * or a partitioning that the query asked for, rows of which a LIMIT takes the first, streams,
 * answers of other calls (a sample would ask them), and queries that look at partitions and files.
 */
object ExchangeByPrefix extends Rule[LogicalPlan] {
  private val MinRows = "spark.sparkllm.optimizer.prefixExchange.minRows"
  private val DefaultMinRows = 10000L
  private val ShownStart = 256

  override def apply(plan: LogicalPlan): LogicalPlan =
    if (!Switch.PrefixExchange.isOn || !plan.containsPattern(PYTHON_UDF) || plan.isStreaming
        || looksAtPartitions(plan)) {
      plan
    } else {
      val partitions = SparkSession.active.sparkContext.defaultParallelism
      if (partitions > 1) exchanged(plan, partitions, limited = false) else plan
    }

  /** @param limited whether a LIMIT above may need only some of the rows */
  private def exchanged(plan: LogicalPlan, partitions: Int, limited: Boolean): LogicalPlan =
    plan match {
      case evaluation: LLMEval if !limited && isLarge(evaluation.child) =>
        val order = prefixOrder(evaluation)
        if (order.isEmpty) {
          evaluation
        } else {
          val moved = RepartitionByExpression(order, evaluation.child, partitions)
          evaluation.copy(child = Sort(order, global = false, moved))
        }
      case other =>
        val below = other match {
          case _: LocalLimit | _: GlobalLimit | _: Offset => true
          case sort: Sort => limited && !sort.global
          case _: Aggregate | _: Distinct | _: Window | _: RepartitionOperation => false
          case _ => limited
        }
        other.mapChildren(exchanged(_, partitions, below))
    }

  private def isLarge(child: LogicalPlan): Boolean =
    child.outputOrdering.isEmpty && !isArranged(child) &&
      !child.exists(_.isInstanceOf[LLMEval]) && rows(child) >= minRows

  /** Whether the query says in which order or partitions these rows come. */
  private def isArranged(plan: LogicalPlan): Boolean = plan match {
    case _: Sort | _: RepartitionOperation | _: RebalancePartitions => true
    case _: OrderPreservingUnaryNode | _: GlobalLimit | _: LocalLimit | _: Offset =>
      isArranged(plan.children.head)
    case _ => false
  }

  /** An estimate of the rows; without statistics a join has as many as its larger side. */
  private def rows(plan: LogicalPlan): BigInt = {
    val estimated = plan.stats.rowCount.getOrElse(plan match {
      case union: Union => union.children.map(rows).sum
      case other if other.children.nonEmpty => other.children.map(rows).max
      case leaf => leaf.stats.sizeInBytes / EstimationUtils.getSizePerRow(leaf.output)
    })
    plan.maxRows.fold(estimated)(most => estimated.min(BigInt(most)))
  }

  private def minRows: BigInt =
    BigInt(SQLConf.get.getConfString(MinRows, DefaultMinRows.toString).toLong)

  private def prefixOrder(evaluation: LLMEval): Seq[SortOrder] = {
    val calls = evaluation.calls.map(_.child.asInstanceOf[LLMCall])
    val arguments = calls.filterNot(_.spec.isOnGroups).flatMap(_.arguments).filter { argument =>
      argument.deterministic && !argument.foldable && !argument.containsPattern(PYTHON_UDF)
    }
    ExpressionSet(arguments).toSeq.flatMap(sortedBy).map(SortOrder(_, Ascending))
  }

  private def sortedBy(argument: Expression): Seq[Expression] = argument.dataType match {
    case _: StringType =>
      val start = Substring(argument, Literal(1), Literal(ShownStart))
      Seq(start, new XxHash64(Seq(argument)))
    case orderable if RowOrdering.isOrderable(orderable) => Seq(argument)
    case _ => Nil
  }

  private def looksAtPartitions(plan: LogicalPlan): Boolean = plan.exists {
    _.expressions.exists(_.exists {
      case _: InputFileName | _: InputFileBlockStart | _: InputFileBlockLength => true
      case _: SparkPartitionID | _: MonotonicallyIncreasingID => true
      case _ => false
    })
  }
}
