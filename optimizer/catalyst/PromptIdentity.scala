package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.types._

/** Whether values that Spark takes for equal are the same in a prompt: 0.0 and -0.0 are not. */
object PromptIdentity {
  def apply(dataType: DataType): Boolean = dataType match {
    case StringType | BooleanType | BinaryType | DateType | TimestampType | TimestampNTZType => true
    case _: IntegralType | _: DecimalType => true
    case ArrayType(element, _) => apply(element)
    case struct: StructType => struct.forall(field => apply(field.dataType))
    case _ => false
  }
}
