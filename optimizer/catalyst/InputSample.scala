package org.apache.spark.sql.sparkllm

import java.io.{ByteArrayInputStream, ByteArrayOutputStream, DataInputStream, DataOutputStream}
import java.util.TreeMap

import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.expressions.aggregate.{ImperativeAggregate, TypedImperativeAggregate}
import org.apache.spark.sql.catalyst.trees.UnaryLike
import org.apache.spark.sql.catalyst.util.GenericArrayData
import org.apache.spark.sql.types._

/**
 * A sample of the distinct values of `child`: those `most` with the smallest hashes, so it depends on
 * the values alone, not on how often they come, in which order, or in which partitions. It is all of
 * them where they are not more. From the largest hash kept follows how many there are (Bar-Yossef et
 * al., Counting distinct elements in a data stream, 2002), within 1 / sqrt(`most`).
 *
 * The result is a struct: `rows` with a value, `distinct` values among them (estimated), the
 * sampled `inputs`.
 */
case class InputSample(
    child: Expression,
    most: Int,
    override val mutableAggBufferOffset: Int = 0,
    override val inputAggBufferOffset: Int = 0)
    extends TypedImperativeAggregate[DistinctSample] with UnaryLike[Expression] {

  override def dataType: DataType = InputSample.resultType(child.dataType)

  override def nullable: Boolean = false

  override def prettyName: String = "input_sample"

  override def createAggregationBuffer(): DistinctSample = new DistinctSample(most)

  @transient private lazy val keep = UnsafeProjection.create(Array(child.dataType))

  override def update(sample: DistinctSample, row: InternalRow): DistinctSample = {
    val value = child.eval(row)
    if (value != null) {
      val hash = XxHash64Function.hash(value, child.dataType, InputSample.Seed)
      sample.add(hash, keep(InternalRow(value)).getBytes)
    }
    sample
  }

  override def merge(sample: DistinctSample, other: DistinctSample): DistinctSample =
    sample.addAll(other)

  override def eval(sample: DistinctSample): Any =
    InternalRow(sample.rows, sample.distinct, new GenericArrayData(sample.values.map(value)))

  private def value(bytes: Array[Byte]): Any = {
    val row = new UnsafeRow(1)
    row.pointTo(bytes, bytes.length)
    row.get(0, child.dataType)
  }

  override def serialize(sample: DistinctSample): Array[Byte] = sample.toBytes

  override def deserialize(bytes: Array[Byte]): DistinctSample =
    DistinctSample.of(most, bytes)

  override def withNewMutableAggBufferOffset(offset: Int): ImperativeAggregate =
    copy(mutableAggBufferOffset = offset)

  override def withNewInputAggBufferOffset(offset: Int): ImperativeAggregate =
    copy(inputAggBufferOffset = offset)

  override protected def withNewChildInternal(newChild: Expression): InputSample =
    copy(child = newChild)
}

object InputSample {
  private val Seed = 42L

  def resultType(input: DataType): StructType = new StructType()
    .add("rows", LongType, nullable = false)
    .add("distinct", LongType, nullable = false)
    .add("inputs", ArrayType(input, containsNull = false), nullable = false)
}

/** The values with the `most` smallest hashes, taken as unsigned numbers. */
class DistinctSample(most: Int) {
  private val kept =
    new TreeMap[java.lang.Long, Array[Byte]](
      (left: java.lang.Long, right: java.lang.Long) => java.lang.Long.compareUnsigned(left, right))

  var rows = 0L

  def add(hash: Long, value: => Array[Byte]): Unit = {
    rows += 1
    insert(hash, value)
  }

  def addAll(other: DistinctSample): DistinctSample = {
    rows += other.rows
    other.kept.forEach((hash, value) => insert(hash, value))
    this
  }

  private def insert(hash: Long, value: => Array[Byte]): Unit = {
    val isFull = kept.size >= most
    if (!isFull || java.lang.Long.compareUnsigned(hash, kept.lastKey) < 0) {
      if (!kept.containsKey(hash)) {
        kept.put(hash, value.clone())
        if (isFull) kept.pollLastEntry()
      }
    }
  }

  def distinct: Long =
    if (kept.size < most) kept.size
    else {
      val share = ((kept.lastKey >>> 11) + 1).toDouble / (1L << 53)
      math.round((most - 1) / share)
    }

  def values: Array[Array[Byte]] = kept.values.toArray(Array.empty[Array[Byte]])

  def toBytes: Array[Byte] = {
    val bytes = new ByteArrayOutputStream
    val out = new DataOutputStream(bytes)
    out.writeLong(rows)
    out.writeInt(kept.size)
    kept.forEach { (hash, value) =>
      out.writeLong(hash)
      out.writeInt(value.length)
      out.write(value)
    }
    bytes.toByteArray
  }
}

object DistinctSample {
  def of(most: Int, bytes: Array[Byte]): DistinctSample = {
    val sample = new DistinctSample(most)
    val in = new DataInputStream(new ByteArrayInputStream(bytes))
    val rows = in.readLong()
    (0 until in.readInt()).foreach { _ =>
      val hash = in.readLong()
      val value = new Array[Byte](in.readInt())
      in.readFully(value)
      sample.add(hash, value)
    }
    sample.rows = rows
    sample
  }
}
