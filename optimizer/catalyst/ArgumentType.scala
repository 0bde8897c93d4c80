package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions.{Expression, StructsToJson}
import org.apache.spark.sql.types._

/** Which types of arguments can be shown to a model, and how they reach the worker. */
object ArgumentType {

  /** The argument as it is sent, and whether that is JSON text. */
  def sent(name: String, argument: Expression): (Expression, Boolean) = {
    check(name, argument.dataType, argument.dataType)
    if (hasVariant(argument.dataType)) (new StructsToJson(argument), true) else (argument, false)
  }

  private def check(name: String, dataType: DataType, whole: DataType): Unit = dataType match {
    case _: NumericType | _: StringType | BooleanType | DateType | TimestampType |
        TimestampNTZType | NullType | VariantType =>
    case ArrayType(element, _) => check(name, element, whole)
    case MapType(key, value, _) =>
      check(name, key, whole)
      check(name, value, whole)
    case StructType(fields) => fields.foreach(field => check(name, field.dataType, whole))
    case _ => throw LLMAnalysisException.unsupportedArgument(name, whole)
  }

  private def hasVariant(dataType: DataType): Boolean =
    dataType.existsRecursively(_ == VariantType)
}
