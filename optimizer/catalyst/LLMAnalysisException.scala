package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.AnalysisException
import org.apache.spark.sql.catalyst.expressions.Expression
import org.apache.spark.sql.catalyst.trees.Origin
import org.apache.spark.sql.catalyst.util.toPrettySQL
import org.apache.spark.sql.types.DataType

/**
 * Wrong use of `llm`, found by the analyzer, which adds the position in the query.
 *
 * It carries no query context: PySpark looks up the message of an exception that has one among
 * Spark's own error conditions, and fails on those of others.
 */
class LLMAnalysisException(
    condition: String,
    text: String,
    reason: Option[Throwable] = None,
    position: Origin = Origin())
    extends AnalysisException(
      s"[$condition] $text",
      line = position.line,
      startPosition = position.startPosition,
      cause = reason,
      errorClass = Some(condition)) {

  override def withPosition(origin: Origin): AnalysisException = {
    val positioned = new LLMAnalysisException(condition, text, reason, origin)
    positioned.setStackTrace(getStackTrace)
    positioned
  }
}

object LLMAnalysisException {
  def noTask(): LLMAnalysisException = new LLMAnalysisException(
    "LLM_CALL.NO_TASK",
    "llm needs a task or an instruction as its first argument: llm('classify', column)")

  def taskNotText(value: Any): LLMAnalysisException = new LLMAnalysisException(
    "LLM_CALL.TASK_NOT_TEXT",
    s"the first argument of llm is a task or an instruction, not $value")

  def noColumns(): LLMAnalysisException = new LLMAnalysisException(
    "LLM_CALL.NO_COLUMNS",
    "llm needs at least one column after the task: llm('classify', column)")

  def oneColumn(task: String): LLMAnalysisException = new LLMAnalysisException(
    "LLM_CALL.ONE_COLUMN",
    s"task $task takes one column: put several into a text, as by concat")

  def notAPair(function: String, arguments: Int): LLMAnalysisException = new LLMAnalysisException(
    "LLM_CALL.NOT_A_PAIR",
    s"$function takes two texts or embeddings, not $arguments: name further options")

  def notConstant(role: String, expression: Expression): LLMAnalysisException =
    new LLMAnalysisException(
      "LLM_CALL.NOT_CONSTANT",
      s"$role of llm must be a constant, not ${toPrettySQL(expression)}")

  def notEvaluated(role: String, expression: Expression, reason: Throwable): LLMAnalysisException =
    new LLMAnalysisException(
      "LLM_CALL.NOT_EVALUATED",
      s"$role of llm, ${toPrettySQL(expression)}, cannot be evaluated before the query runs: " +
        s"${reason.getMessage}",
      Some(reason))

  def unknownOption(
      name: String, task: Option[String], known: Seq[String]): LLMAnalysisException = {
    val asked = task.map(task => s"task $task").getOrElse("llm")
    new LLMAnalysisException(
      "LLM_CALL.UNKNOWN_OPTION",
      s"$asked has no option $name: the options are ${known.mkString(", ")}")
  }

  def missingOption(task: String, option: String): LLMAnalysisException =
    new LLMAnalysisException(
      "LLM_CALL.MISSING_OPTION",
      s"task $task needs the option $option: $option => ...")

  def noArguments(function: String): LLMAnalysisException = new LLMAnalysisException(
    "LLM_CALL.NO_ARGUMENTS",
    s"$function needs arguments: DESCRIBE FUNCTION EXTENDED $function shows them")

  def tooManyArguments(function: String, most: Int): LLMAnalysisException =
    new LLMAnalysisException(
      "LLM_CALL.TOO_MANY_ARGUMENTS",
      s"$function takes at most $most arguments without a name: put several columns into a " +
        s"struct, and name further options; DESCRIBE FUNCTION EXTENDED $function shows them")

  def fixedType(task: String, dataType: DataType): LLMAnalysisException =
    new LLMAnalysisException(
      "LLM_CALL.FIXED_TYPE",
      s"the answers of task $task are of type ${dataType.sql}: leave out returns")

  def brokenTasks(place: String, reason: String): LLMAnalysisException =
    new LLMAnalysisException(
      "LLM_CALL.BROKEN_TASK",
      s"tasks can't be read from $place, below spark.sparkllm.tasks.path: $reason")

  def brokenTask(name: String, definition: String): LLMAnalysisException =
    new LLMAnalysisException(
      "LLM_CALL.BROKEN_TASK",
      s"the registered task $name can't be read: register it with sparkllm.tasks.register, not " +
        s"as ${definition.take(200)}")

  def duplicateOption(name: String): LLMAnalysisException = new LLMAnalysisException(
    "LLM_CALL.DUPLICATE_OPTION",
    s"option $name of llm is given twice")

  def wrongOption(name: String, value: Any, reason: String): LLMAnalysisException =
    new LLMAnalysisException(
      "LLM_CALL.WRONG_OPTION",
      s"option $name => ${shown(value)} of llm is not valid: $reason")

  def wrongType(text: String, reason: String): LLMAnalysisException = new LLMAnalysisException(
    "LLM_CALL.WRONG_TYPE",
    s"option returns => '$text' of llm is not valid: $reason")

  def emptyTask(): LLMAnalysisException = new LLMAnalysisException(
    "LLM_CALL.EMPTY_TASK",
    "the task or instruction of llm is empty")

  def unknownTask(task: String, known: Seq[String]): LLMAnalysisException =
    new LLMAnalysisException(
      "LLM_CALL.UNKNOWN_TASK",
      s"unknown task '$task': the tasks are ${known.mkString(", ")}; an instruction has more " +
        "than one word")

  def unknownPlaceholder(name: String, columns: Seq[String]): LLMAnalysisException =
    new LLMAnalysisException(
      "LLM_CALL.UNKNOWN_PLACEHOLDER",
      s"the instruction names {$name}, but the columns are ${columns.mkString(", ")}: pass a " +
        s"column of that name, or write {{$name}} for the text itself")

  def unsupportedArgument(name: String, dataType: DataType): LLMAnalysisException =
    new LLMAnalysisException(
      "LLM_CALL.UNSUPPORTED_ARGUMENT",
      s"argument $name of llm is of type ${dataType.sql}, which has no text for a model: cast it " +
        "to STRING, or leave it out")

  def aggregateInside(call: Expression): LLMAnalysisException = new LLMAnalysisException(
    "LLM_CALL.AGGREGATE_INSIDE",
    s"there is an aggregate function inside ${call.sql}: aggregate in a subquery and call llm on " +
      "its columns, SELECT llm('...', texts) FROM (SELECT collect_list(text) AS texts FROM t)")

  def notGroups(task: String, types: Seq[DataType]): LLMAnalysisException =
    new LLMAnalysisException(
      "LLM_CALL.NOT_GROUPS",
      s"task $task takes one column, an ARRAY of a group's values, not " +
        s"${types.map(_.sql).mkString(", ")}: collect it with GROUP BY in a subquery, SELECT " +
        s"llm('$task', texts) FROM (SELECT collect_list(text) AS texts FROM t)")

  def placeholderInGroup(task: String, name: String): LLMAnalysisException =
    new LLMAnalysisException(
      "LLM_CALL.PLACEHOLDER_IN_GROUP",
      s"the instruction of task $task names {$name}, but it is for a whole group: leave out the " +
        s"name, or write {{$name}} for the text itself")

  def windowOf(function: String): LLMAnalysisException = new LLMAnalysisException(
    "LLM_CALL.WINDOW",
    s"$function can't be used with OVER: each row would ask about a group of its own; aggregate " +
      s"with GROUP BY in a subquery, and join it on the grouping columns")

  def joinCondition(call: Expression, joinType: String): LLMAnalysisException =
    new LLMAnalysisException(
      "LLM_CALL.JOIN_CONDITION",
      s"${call.sql} takes columns of both sides of a $joinType join in its condition, which only " +
        "INNER, LEFT, RIGHT, SEMI and ANTI joins may: take a LEFT join, and with UNION ALL the " +
        "rows of the other side by an ANTI join")

  def streamedJoin(call: Expression, joinType: String): LLMAnalysisException =
    new LLMAnalysisException(
      "LLM_CALL.STREAMED_JOIN",
      s"${call.sql} takes columns of both sides of a $joinType join of a stream in its " +
        "condition, which only an INNER join of a stream may: join in foreachBatch, where each " +
        "batch is a table")

  private def shown(value: Any): String = value match {
    case null => "NULL"
    case items: scala.collection.Seq[_] => items.mkString("array(", ", ", ")")
    case text: String => s"'$text'"
    case other => other.toString
  }

  def unsupportedValue(value: Any): LLMAnalysisException = new LLMAnalysisException(
    "LLM_CALL.UNSUPPORTED_VALUE",
    s"an option of llm is a text, a number, a boolean or an array of those, not $value")

  def noPython(executable: String, versionKey: String): LLMAnalysisException =
    new LLMAnalysisException(
      "LLM_CALL.NO_PYTHON",
      s"the workers' Python '$executable' cannot be run here to ask for its version: set " +
        s"PYSPARK_PYTHON or spark.pyspark.python, or set $versionKey to its major.minor version")
}
