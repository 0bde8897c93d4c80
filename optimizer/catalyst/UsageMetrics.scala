package org.apache.spark.sql.sparkllm

import org.apache.spark.SparkContext
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.execution.metric.{SQLMetric, SQLMetrics}
import org.apache.spark.sql.types.{LongType, StructField, StructType}

/**
 * What the workers report of each window of rows, in a struct beside the answers of its first row,
 * and the metrics of the operator that it is summed into. Times are milliseconds.
 */
object UsageMetrics {
  private val Counts = Seq(
    "rows" -> "rows",
    "calls" -> "calls of the model",
    "deduplicated" -> "deduplicated inputs",
    "stored" -> "inputs answered by the store",
    "nulls" -> "NULL inputs",
    "skipped" -> "inputs that a guard skipped",
    "errors" -> "errors",
    "prompt_tokens" -> "prompt tokens",
    "cached_tokens" -> "prompt tokens from cache",
    "computed_tokens" -> "prompt tokens computed",
    "output_tokens" -> "output tokens",
    "saved_tokens" -> "tokens saved by the store")

  private val Times = Seq(
    "engine_time" -> "time in the engine",
    "queue_time" -> "time waiting for the engine",
    "worker_time" -> "time preparing and placing rows")

  private val names = (Counts ++ Times).map(_._1)

  /** The struct as the workers fill it. */
  val schema: StructType = StructType(names.map(StructField(_, LongType)))

  def create(context: SparkContext): Map[String, SQLMetric] =
    Counts.map { case (name, label) => name -> SQLMetrics.createMetric(context, label) }.toMap ++
      Times.map { case (name, label) => name -> SQLMetrics.createTimingMetric(context, label) }

  /** Adds one window's usage. */
  def add(usage: InternalRow, metrics: Seq[SQLMetric]): Unit =
    metrics.indices.foreach(position => metrics(position).add(usage.getLong(position)))

  /** The metrics in the order of the struct's fields. */
  def inOrder(metrics: Map[String, SQLMetric]): Seq[SQLMetric] = names.map(metrics)
}
