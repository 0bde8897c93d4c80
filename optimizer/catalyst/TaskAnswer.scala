package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.types._

/** The type of a call's answers: that of its task, or what `returns` names. */
object TaskAnswer {

  /** The type; None for the answer's text. */
  def dataType(task: Option[TaskRule], options: Map[String, Any]): Option[DataType] = {
    val returns = options.get(CallOptions.Returns).map(ReturnType(_))
    val all = task.map(_.defaults).getOrElse(Map.empty) ++ options
    val fixed = task.flatMap(rule => ofTask(rule.answer, all))
    if (fixed.isDefined && returns.exists(_ != fixed.get)) {
      throw LLMAnalysisException.fixedType(task.get.name, fixed.get)
    }
    fixed.orElse(returns)
  }

  private def ofTask(answer: String, options: Map[String, Any]): Option[DataType] = answer match {
    case "text" => None
    case "labels" => if (options.get("multi_label").contains(true)) Some(ArrayType(StringType)) else None
    case "boolean" => Some(BooleanType)
    case "probability" => Some(DoubleType)
    case "tokens" => Some(IntegerType)
    case "embedding" => Some(ArrayType(FloatType))
    case "fields" => Some(fields(options("fields")))
    case "aspects" => texts(options.get("aspects")).map(strings)
    case ddl => Some(ReturnType(ddl))
  }

  private def fields(value: Any): DataType = value match {
    case names: Seq[_] => strings(names.map(_.toString))
    case ddl =>
      ReturnType(ddl) match {
        case struct: StructType => struct
        case other => throw LLMAnalysisException.wrongOption(
          "fields", ddl, s"it is the type ${other.sql}: give fields, 'name STRING, price DOUBLE'")
      }
  }

  private def texts(value: Option[Any]): Option[Seq[String]] = value match {
    case Some(items: Seq[_]) if items.nonEmpty => Some(items.map(_.toString))
    case _ => None
  }

  private def strings(names: Seq[String]): StructType =
    StructType(names.map(StructField(_, StringType)))
}
