package org.apache.spark.sql.sparkllm

import org.apache.spark.{NarrowDependency, OneToOneDependency, Partition, SparkContext, TaskContext}
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.Attribute
import org.apache.spark.sql.execution.LeafExecNode

/**
 * Rows that are evaluated in windows, each only when somebody asks for more rows than those before
 * it gave. A window has twice the rows of the one before, and once that is `most`, all that are left.
 *
 * A Python worker reads its input as fast as it can, so each window is an evaluation of its own:
 * `evaluated` has one partition over the [[WindowExec]] that stands for the rows of a window.
 */
class GrowingWindows(rows: RDD[InternalRow], evaluated: RDD[InternalRow], first: Int, most: Int)
    extends RDD[InternalRow](
      rows.sparkContext,
      Seq(new OneToOneDependency(rows), new GrowingWindows.Same(evaluated))) {

  override protected def getPartitions: Array[Partition] =
    rows.partitions.map(new GrowingWindows.Of(_, evaluated.partitions.head))

  override protected def getPreferredLocations(split: Partition): Seq[String] =
    rows.preferredLocations(split.asInstanceOf[GrowingWindows.Of].rows)

  override def compute(split: Partition, context: TaskContext): Iterator[InternalRow] = {
    val of = split.asInstanceOf[GrowingWindows.Of]
    val left = rows.iterator(of.rows, context)
    new Iterator[InternalRow] {
      private var wanted: Long = first
      private var window: Iterator[InternalRow] = Iterator.empty

      override def hasNext: Boolean = {
        while (!window.hasNext && left.hasNext) {
          window = GrowingWindows.over(new Slice(left, wanted), evaluated.iterator(of.window, context))
          wanted = if (wanted >= most) Long.MaxValue else wanted * 2
        }
        window.hasNext
      }

      override def next(): InternalRow = if (hasNext) window.next() else Iterator.empty.next()
    }
  }

  /** The next rows, without a look at the row after them. */
  private class Slice(rows: Iterator[InternalRow], wanted: Long) extends Iterator[InternalRow] {
    private var taken = 0L

    override def hasNext: Boolean = taken < wanted && rows.hasNext

    override def next(): InternalRow = {
      taken += 1
      rows.next()
    }
  }
}

object GrowingWindows {

  /** The rows of the window whose evaluation is being set up by this thread. */
  private val current = new ThreadLocal[Iterator[InternalRow]]

  private def over(
      window: Iterator[InternalRow], evaluate: => Iterator[InternalRow]): Iterator[InternalRow] = {
    val outer = current.get
    current.set(window)
    try evaluate
    finally current.set(outer)
  }

  private class Of(val rows: Partition, val window: Partition) extends Partition {
    override def index: Int = rows.index
  }

  /** Every partition depends on the only one of `evaluated`. */
  private class Same(evaluated: RDD[InternalRow]) extends NarrowDependency(evaluated) {
    override def getParents(partition: Int): Seq[Int] = Seq(0)
  }

  /** The rows of a window; see [[WindowExec]]. */
  private class WindowRDD(context: SparkContext) extends RDD[InternalRow](context, Nil) {
    override protected def getPartitions: Array[Partition] = Array(new Partition {
      override def index: Int = 0
    })

    override def compute(split: Partition, context: TaskContext): Iterator[InternalRow] =
      current.get
  }

  /** Stands for the rows of a window in the plan of its evaluation. */
  case class WindowExec(output: Seq[Attribute]) extends LeafExecNode {
    override protected def doExecute(): RDD[InternalRow] = new WindowRDD(sparkContext)
  }
}
