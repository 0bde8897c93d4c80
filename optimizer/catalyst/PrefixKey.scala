package org.apache.spark.sql.sparkllm

import java.io.ByteArrayOutputStream
import java.nio.ByteBuffer

import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{Expression, XxHash64Function}
import org.apache.spark.sql.catalyst.expressions.codegen.CodegenFallback
import org.apache.spark.sql.catalyst.util.ArrayData
import org.apache.spark.sql.types.{BinaryType, DataType, StringType}
import org.apache.spark.unsafe.types.UTF8String

/**
 * Bytes that sort rows as their prompts begin: cell after cell in the order of the fields, of each
 * the start, and a hash that keeps equal ones together however long the start that others share.
 *
 * @param order the positions of `cells` in the prompt, an array of integers
 * @param cells the values as texts
 */
case class PrefixKey(order: Expression, cells: Seq[Expression])
    extends Expression with CodegenFallback {
  import PrefixKey._

  override def children: Seq[Expression] = order +: cells

  override def dataType: DataType = BinaryType

  override def nullable: Boolean = false

  override def prettyName: String = "prefix_key"

  override def eval(row: InternalRow): Any = {
    val bytes = new ByteArrayOutputStream(64 * cells.size)
    positions(order, row).getOrElse(cells.indices).foreach { position =>
      cells(position).eval(row) match {
        case text: UTF8String =>
          bytes.write(1)
          val start = text.getBytes
          bytes.write(start, 0, math.min(start.length, ShownStart))
          bytes.write(0)
          val hash = XxHash64Function.hash(text, StringType, Seed)
          bytes.write(ByteBuffer.allocate(java.lang.Long.BYTES).putLong(hash).array)
        case _ => bytes.write(2)
      }
    }
    bytes.toByteArray
  }

  override protected def withNewChildrenInternal(children: IndexedSeq[Expression]): PrefixKey =
    PrefixKey(children.head, children.tail)
}

object PrefixKey {
  private val ShownStart = 4096
  private val Seed = 42L

  /** The value of an order, None where there was nothing to learn it from. */
  def positions(order: Expression, row: InternalRow = InternalRow.empty): Option[Seq[Int]] =
    Option(order.eval(row)).map(_.asInstanceOf[ArrayData].toIntArray().toSeq)
}
