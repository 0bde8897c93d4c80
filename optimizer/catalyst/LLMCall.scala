package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions.{Expression, NamedExpression, Unevaluable}
import org.apache.spark.sql.catalyst.trees.TreePattern.{PYTHON_UDF, TreePattern}
import org.apache.spark.sql.types.DataType

/**
 * A call of `llm`. It has no value of its own: [[ExtractLLMCalls]] moves it into an [[LLMEval]].
 *
 * Spark takes it for deterministic where its arguments are, so it moves and compares calls as it
 * does any expression. It has the tree pattern of Python UDFs, as Spark's own are not to be
 * extended: plans without Python pay nothing for the rules of this package.
 *
 * @param guard rows for which it isn't true are not asked; see [[GuardLLMCalls]]
 */
case class LLMCall(
    spec: CallSpec, arguments: Seq[Expression], guard: Option[Expression] = None)
    extends Expression with Unevaluable {

  override def children: Seq[Expression] = arguments ++ guard

  override def dataType: DataType = spec.dataType

  override def nullable: Boolean = true

  override def prettyName: String = LLMFunction.Name

  final override val nodePatterns: Seq[TreePattern] = Seq(PYTHON_UDF)

  override def sql: String = spec.text(spec.task, named(_.sql))

  override def toString: String =
    spec.text(abbreviated(spec.task), named(_.toString)) + guard.map(" IF " + _).mkString

  /** The call for all rows. */
  def unguarded: LLMCall = if (guard.isEmpty) this else copy(guard = None)

  /** The arguments as text, `AS` their name in the prompt where that can't be guessed. */
  private def named(text: Expression => String): Seq[String] =
    spec.columns.zip(arguments).zipWithIndex.map {
      case ((name, argument: NamedExpression), _) if argument.name == name => text(argument)
      case ((name, argument), position) if name == s"col${position + 1}" => text(argument)
      case ((name, argument), _) =>
        if (argument.exists { case part: NamedExpression => part.name == name; case _ => false }) {
          text(argument)
        } else {
          s"${text(argument)} AS $name"
        }
    }

  private def abbreviated(text: String): String = {
    val line = text.replaceAll("\\s+", " ").trim
    if (line.length <= LLMCall.LongestTask) line else line.take(LLMCall.LongestTask - 3) + "..."
  }

  override protected def withNewChildrenInternal(newChildren: IndexedSeq[Expression]): LLMCall =
    copy(
      arguments = newChildren.take(arguments.size),
      guard = guard.map(_ => newChildren.last))
}

object LLMCall {
  private val LongestTask = 60

  /** Whether there is a call in the expression. */
  def isIn(expression: Expression): Boolean =
    expression.containsPattern(PYTHON_UDF) && expression.exists(_.isInstanceOf[LLMCall])
}
