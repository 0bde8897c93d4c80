package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.SparkSessionExtensions
import org.apache.spark.sql.catalyst.FunctionIdentifier
import org.apache.spark.sql.catalyst.expressions.{Expression, ExpressionInfo}

/**
 * The SQL function `llm(task, column, ... [, option => value, ...])`.
 *
 * The analyzer calls [[build]] when every argument is resolved: stars are expanded, structs know
 * their fields, and named arguments arrive as `NamedArgumentExpression`.
 */
object LLMFunction {
  val Name = "llm"

  /** What `SparkSessionExtensions.injectFunction` wants. */
  val description: SparkSessionExtensions#FunctionDescription =
    (FunctionIdentifier(Name), info, build _)

  /** The expression of one call. Wrong use is an [[LLMAnalysisException]]. */
  def build(arguments: Seq[Expression]): Expression = {
    val (named, positional) = CallBuilder.split(arguments)
    if (positional.isEmpty) {
      throw LLMAnalysisException.noTask()
    }
    val task = Constant(positional.head, "the task") match {
      case text: String => text
      case other => throw LLMAnalysisException.taskNotText(other)
    }
    val (mapped, inputs) = positional.tail.lastOption match {
      case Some(last) if CallOptions.isMap(last) =>
        (CallOptions.fromMap(last), positional.tail.init)
      case _ => (Nil, positional.tail)
    }
    CallBuilder.call(task, inputs, mapped ++ named)
  }

  private def info: ExpressionInfo = new ExpressionInfo(
    getClass.getName.stripSuffix("$"),
    null,
    Name,
    "_FUNC_(task, column, ... [, option => value, ...]) - Answers the task or free instruction " +
      "for the columns of each row with a language model.",
    s"""
    Arguments:
      * task - constant text: the name of a task such as 'classify', or an instruction, in which
          {name} stands for the column of that name.
      * column - any number of columns; a struct stands for its fields.
      * options - named, or together in a constant MAP as the last argument:
          those of the task, and ${CallOptions.Common.mkString(", ")}.
  """,
    """
    Examples:
      > SELECT _FUNC_('classify', 'Great dress', labels => array('good', 'bad'));
       good
  """,
    "",
    "misc_funcs",
    "0.1.0",
    "",
    "scala_udf")
}
