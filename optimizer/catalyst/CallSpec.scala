package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.types.{DataType, StringType}

/**
 * What a call asks, apart from the values of its arguments.
 *
 * @param task the name of a task, or an instruction
 * @param columns what the prompt calls the arguments, in their order
 * @param json the columns whose value is JSON text, to be shown as it is
 * @param options by name, as texts, booleans, `Long`s, `Double`s and sequences of texts
 * @param returns the type of the answer, None for the answer's text
 */
case class CallSpec(
    task: String,
    columns: Seq[String],
    json: Set[String],
    options: Map[String, Any],
    returns: Option[DataType]) {

  def dataType: DataType = returns.getOrElse(StringType)

  /** The entries of the call as JSON; see `Call` in Python. */
  def entries: Map[String, Any] =
    Map[String, Any]("task" -> task, "columns" -> columns, "options" -> options) ++
      (if (json.isEmpty) None else Some("json" -> json.toSeq.sorted)) ++
      returns.map(dataType => "returns" -> dataType.json)

  /** The call as it reads with these texts for its arguments. */
  def text(task: String, arguments: Seq[String]): String = {
    val named = options.toSeq.sortBy(_._1).map { case (name, value) => s"$name => ${shown(value)}" }
    val typed = returns.map(dataType => s"returns => ${dataType.sql}")
    (task +: (arguments ++ named ++ typed)).mkString(s"${LLMFunction.Name}(", ", ", ")")
  }

  private def shown(value: Any): String = value match {
    case items: Seq[_] => items.mkString("array(", ", ", ")")
    case other => other.toString
  }
}
