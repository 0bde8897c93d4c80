package org.apache.spark.sql.sparkllm

import java.util.concurrent.atomic.AtomicLong

import scala.concurrent.Await
import scala.concurrent.TimeoutException
import scala.concurrent.duration._

import org.apache.spark.SparkRuntimeException
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{Attribute, SortOrder}
import org.apache.spark.sql.catalyst.plans.physical.Partitioning
import org.apache.spark.sql.execution.{SparkPlan, UnaryExecNode}
import org.apache.spark.sql.execution.metric.{SQLMetric, SQLMetrics}
import org.apache.spark.storage.StorageLevel

/**
 * Counts pairs of rows before the first of them goes on, and fails if there are more than `most`.
 *
 * Pairs that were counted are kept until nobody needs them, so that they are formed once. Of too
 * many, about ten times as many as are allowed are counted.
 */
case class PairLimitExec(most: Long, isPair: Option[Attribute], child: SparkPlan)
    extends UnaryExecNode {

  override def output: Seq[Attribute] = child.output

  override def outputPartitioning: Partitioning = child.outputPartitioning

  override def outputOrdering: Seq[SortOrder] = child.outputOrdering

  override def nodeName: String = "PairLimit"

  override lazy val metrics: Map[String, SQLMetric] =
    Map("pairs" -> SQLMetrics.createMetric(sparkContext, "pairs"))

  @transient private lazy val kept: RDD[InternalRow] = {
    val rows = pairs
    rows.persist(StorageLevel.MEMORY_AND_DISK)
    try count(rows)
    catch {
      case error: Throwable =>
        rows.unpersist()
        throw error
    }
    rows
  }

  override protected def doExecute(): RDD[InternalRow] = kept

  /** The rows of the child, of each partition as many as are allowed and one more. */
  private def pairs: RDD[InternalRow] = {
    val place = isPair.map(column => child.output.indexWhere(_.exprId == column.exprId))
    val counter = metrics("pairs")
    val (most, enough) = (this.most, this.enough)
    child.execute().mapPartitionsInternal(new PairLimitExec.First(_, place, most, enough, counter))
  }

  private def enough: Long = most * PairLimitExec.CountedOfTooMany

  private def count(rows: RDD[InternalRow]): Unit = {
    val total = new AtomicLong
    val place = isPair.map(column => child.output.indexWhere(_.exprId == column.exprId))
    val job = sparkContext.submitJob[InternalRow, Long, Unit](
      rows,
      (kept: Iterator[InternalRow]) => kept.count(PairLimitExec.isPair(_, place)).toLong,
      rows.partitions.indices,
      (_: Int, count: Long) => total.addAndGet(count),
      ())
    try {
      while (!job.isCompleted && total.get <= enough) {
        try Await.ready(job, PairLimitExec.Patience)
        catch { case _: TimeoutException => }
      }
      if (total.get > most) {
        throw tooMany(total.get)
      }
      Await.result(job, Duration.Inf)
    } finally {
      if (!job.isCompleted) job.cancel()
    }
  }

  private def tooMany(kept: Long): SparkRuntimeException = {
    val count = metrics("pairs").value.max(kept)
    val counted = f"${if (count > enough) "more than " else ""}${count.min(enough)}%,d"
    val allowed = f"$most%,d"
    val message = s"the condition of the join asks the model about pairs of rows, of which there " +
      s"are $counted: spark.sparkllm.join.maxPairs allows $allowed. Have fewer pairs formed, with " +
      "predicates that need no model (ON a.key = b.key AND llm_filter(...)) or with fewer rows " +
      "on each side, or raise spark.sparkllm.join.maxPairs (0: any number). No model was asked " +
      "about them"
    new SparkRuntimeException("USER_RAISED_EXCEPTION", Map("errorMessage" -> message))
  }

  override protected def withNewChildInternal(newChild: SparkPlan): PairLimitExec =
    copy(child = newChild)
}

object PairLimitExec {
  private val CountedOfTooMany = 10
  private val Patience = 100.millis

  private def isPair(row: InternalRow, place: Option[Int]): Boolean =
    place.forall(at => !row.isNullAt(at) && row.getBoolean(at))

  /** The rows up to one pair too many; at their end, further ones are counted up to `enough`. */
  private class First(
      rows: Iterator[InternalRow],
      place: Option[Int],
      most: Long,
      enough: Long,
      counter: SQLMetric)
      extends Iterator[InternalRow] {
    private var count = 0L
    private var ended = false

    override def hasNext: Boolean = {
      val more = count <= most && rows.hasNext
      if (!more && !ended) {
        ended = true
        while (count <= enough && rows.hasNext) see(rows.next())
        counter.add(count)
      }
      more
    }

    override def next(): InternalRow = {
      val row = rows.next().copy()
      see(row)
      row
    }

    private def see(row: InternalRow): Unit = if (isPair(row, place)) count += 1
  }
}
