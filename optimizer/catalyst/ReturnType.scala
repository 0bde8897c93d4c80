package org.apache.spark.sql.sparkllm

import scala.util.control.NonFatal

import org.apache.spark.sql.types._

/** The type that the option `returns` names. */
object ReturnType {

  /** Reads a type in DDL form. A type that no answer can have is an [[LLMAnalysisException]]. */
  def apply(value: Any): DataType = {
    val text = value match {
      case text: String => text
      case other => throw LLMAnalysisException.wrongType(String.valueOf(other), "it is not a text")
    }
    val dataType =
      try DataType.fromDDL(text)
      catch {
        case NonFatal(_) =>
          throw LLMAnalysisException.wrongType(text, "Spark has no such type")
      }
    if (dataType != VariantType) {
      check(text, dataType)
    }
    dataType
  }

  private def check(text: String, dataType: DataType): Unit = dataType match {
    case StringType | BooleanType | DateType | _: IntegralType | FloatType | DoubleType |
        _: DecimalType | TimestampType | TimestampNTZType =>
    case ArrayType(element, _) => check(text, element)
    case StructType(fields) if fields.nonEmpty =>
      fields.foreach(field => check(text, field.dataType))
    case other =>
      throw LLMAnalysisException.wrongType(
        text,
        s"no answer is of type ${other.sql}; the types are BOOLEAN, whole and decimal numbers, " +
          "FLOAT, DOUBLE, STRING, DATE, TIMESTAMP, ARRAY and STRUCT of those, and VARIANT")
  }
}
