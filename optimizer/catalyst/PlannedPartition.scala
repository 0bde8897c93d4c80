package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{Expression, Literal}
import org.apache.spark.sql.catalyst.expressions.codegen.CodegenFallback
import org.apache.spark.sql.catalyst.plans.physical.HashPartitioning
import org.apache.spark.sql.catalyst.util.ArrayData
import org.apache.spark.sql.types.{BinaryType, DataType, IntegerType}

/**
 * A number that Spark's hash partitioning puts into the partition whose range a key is in.
 *
 * @param key [[PrefixKey]] of a row
 * @param bounds where each partition but the first begins, keys in ascending order; there may be
 *               fewer than `partitions` - 1
 */
case class PlannedPartition(key: Expression, bounds: Expression, partitions: Int)
    extends Expression with CodegenFallback {

  override def children: Seq[Expression] = Seq(key, bounds)

  override def dataType: DataType = IntegerType

  override def nullable: Boolean = false

  override def prettyName: String = "planned_partition"

  @transient private lazy val numbers = PlannedPartition.numbers(partitions)

  override def eval(row: InternalRow): Any = {
    val begins = bounds.eval(row) match {
      case begins: ArrayData => begins.toArray[Array[Byte]](BinaryType)
      case _ => Array.empty[Array[Byte]]
    }
    val wanted = key.eval(row).asInstanceOf[Array[Byte]]
    numbers(begins.count(java.util.Arrays.compareUnsigned(_, wanted) <= 0))
  }

  override protected def withNewChildrenInternal(
      children: IndexedSeq[Expression]): PlannedPartition =
    copy(key = children(0), bounds = children(1))
}

object PlannedPartition {

  /** For each partition a number that has its hash. */
  private def numbers(partitions: Int): Array[Int] = {
    val found = Array.fill(partitions)(-1)
    Iterator.from(0).takeWhile(_ => found.contains(-1)).foreach { number =>
      val hashed = HashPartitioning(Seq(Literal(number)), partitions).partitionIdExpression
      val partition = hashed.eval().asInstanceOf[Int]
      if (found(partition) < 0) found(partition) = number
    }
    found
  }
}
