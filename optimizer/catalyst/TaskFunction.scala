package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.SparkSessionExtensions
import org.apache.spark.sql.catalyst.FunctionIdentifier
import org.apache.spark.sql.catalyst.expressions.{Expression, ExpressionInfo}

/** A SQL function for one task, such as `llm_classify(text, labels)`: a call of [[LLMFunction]]. */
class TaskFunction(rule: FunctionRule) {

  /** What `SparkSessionExtensions.injectFunction` wants. */
  val description: SparkSessionExtensions#FunctionDescription =
    (FunctionIdentifier(rule.name), info, build _)

  /** The expression of one call. */
  def build(arguments: Seq[Expression]): Expression = {
    val (named, positional) = CallBuilder.split(arguments)
    if (positional.isEmpty) {
      throw LLMAnalysisException.noArguments(rule.name)
    }
    if (rule.paired) {
      val (options, values) = mapped(positional, columns = true)
      Similarity.of(rule, values, options ++ named)
    } else if (rule.instructed) {
      val (options, columns) = mapped(positional.tail, columns = true)
      val instruction = Constant(positional.head, s"the instruction of ${rule.name}")
      CallBuilder.call(
        rule.task, columns, (CallOptions.Instruction -> instruction) +: (options ++ named))
    } else {
      val (options, values) = mapped(positional.tail, columns = false)
      if (values.size > rule.positional.size) {
        throw LLMAnalysisException.tooManyArguments(rule.name, 1 + rule.positional.size)
      }
      val placed = rule.positional.zip(values).map { case (name, value) =>
        name -> Constant(value, s"option $name")
      }
      if (isAggregate) {
        CallBuilder.aggregate(rule.name, rule.task, positional.take(1), placed ++ options ++ named)
      } else {
        CallBuilder.call(rule.task, positional.take(1), placed ++ options ++ named)
      }
    }
  }

  /** Whether it takes the values of a group, not of a row. */
  private def isAggregate: Boolean = TaskRule.named(rule.task).exists(_.reduces)

  /** The options in a map that is the last argument, and the arguments before it. */
  private def mapped(
      arguments: Seq[Expression], columns: Boolean): (Seq[(String, Any)], Seq[Expression]) =
    arguments.lastOption match {
      case Some(last) if CallOptions.isMap(last) && (columns || !isValue(arguments.size)) =>
        (CallOptions.fromMap(last), arguments.init)
      case _ => (Nil, arguments)
    }

  /** Whether a map in this place (from 1) is the value of an option: labels with descriptions. */
  private def isValue(place: Int): Boolean =
    rule.positional.lift(place - 1).exists(CallOptions.takesMap)

  private def info: ExpressionInfo = new ExpressionInfo(
    getClass.getName.stripSuffix("$"),
    null,
    rule.name,
    rule.usage,
    rule.arguments,
    rule.examples,
    "",
    if (isAggregate) "agg_funcs" else "misc_funcs",
    "0.1.0",
    "",
    "scala_udf")
}
