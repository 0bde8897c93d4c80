package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.types.{ArrayType, DataType, StringType, StructField, StructType}

/**
 * What a call asks, apart from the values of its arguments.
 *
 * @param task the name of a task, or an instruction
 * @param columns what the prompt calls the arguments, in their order
 * @param json the columns whose value is JSON text, to be shown as it is
 * @param options by name, as texts, booleans, `Long`s, `Double`s and sequences of texts
 * @param returns the type of the answer, None for the answer's text
 * @param isOnGroups whether its column holds arrays, the values of groups
 * @param definition the task as JSON, where it does not ship with sparkllm
 */
case class CallSpec(
    task: String,
    columns: Seq[String],
    json: Set[String],
    options: Map[String, Any],
    returns: Option[DataType],
    isOnGroups: Boolean,
    definition: Option[String]) {

  /** The type of the answer itself. */
  def valueType: DataType = returns.map(CallSpec.withoutComments).getOrElse(StringType)

  /** The type of the call. */
  def dataType: DataType = if (isDetail) AnswerDetail.of(valueType) else valueType

  /** Whether the call's value is the answer with its error. */
  def isDetail: Boolean = onError == "detail"

  /** Whether an error of a row fails the query. */
  def fails: Boolean = onError == "fail"

  /** Which share of a task's rows may end in an error. */
  def maxErrorRatio: Option[Double] = options.get(CallSpec.MaxErrorRatio).collect {
    case ratio: Double => ratio
  }

  /** Whether the worker has to tell each answer's error. */
  def carriesDetail: Boolean = onError != "null" || maxErrorRatio.isDefined

  private def onError: Any = options.getOrElse(CallSpec.OnError, "null")

  /** The entries of the call as JSON; see `Call` in Python. */
  def entries: Map[String, Any] =
    Map[String, Any]("task" -> task, "columns" -> columns, "options" -> asked) ++
      (if (carriesDetail) Some("detail" -> true) else None) ++
      (if (json.isEmpty) None else Some("json" -> json.toSeq.sorted)) ++
      definition.map("definition" -> _) ++
      returns.map(dataType => "returns" -> dataType.json)

  /** The options that the worker is told of. */
  private def asked: Map[String, Any] = options - CallSpec.OnError - CallSpec.MaxErrorRatio

  /** The call of `llm` as it reads with these texts for its arguments. */
  def text(task: String, arguments: Seq[String]): String =
    text(LLMFunction.Name, (task +: arguments).mkString(", "))

  /** The call of a function as it reads with this text for its arguments. */
  def text(function: String, arguments: String): String = {
    val named = options.toSeq.sortBy(_._1).map { case (name, value) => s"$name => ${shown(value)}" }
    val typed = returns.map(dataType => s"returns => ${dataType.sql}")
    (arguments +: (named ++ typed)).mkString(s"$function(", ", ", ")")
  }

  private def shown(value: Any): String = value match {
    case items: Seq[_] => items.map(shown).mkString("array(", ", ", ")")
    case other => other.toString
  }
}

object CallSpec {
  private val OnError = "on_error"
  private val MaxErrorRatio = "max_error_ratio"

  /** The type as Arrow knows it. Comments on fields are for the model only. */
  private def withoutComments(dataType: DataType): DataType = dataType match {
    case StructType(fields) => StructType(fields.map(field =>
      StructField(field.name, withoutComments(field.dataType), field.nullable)))
    case ArrayType(element, nullable) => ArrayType(withoutComments(element), nullable)
    case other => other
  }
}
