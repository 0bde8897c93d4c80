package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions.{AttributeReference, Expression}
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateFunction
import org.apache.spark.sql.catalyst.expressions.codegen.{CodegenContext, ExprCode}
import org.apache.spark.sql.catalyst.trees.TreePattern.{PYTHON_UDF, TreePattern}
import org.apache.spark.sql.catalyst.trees.UnaryLike
import org.apache.spark.sql.types.{DataType, StructType}

/**
 * An aggregate function whose value is one answer for the values of a group, such as `llm_agg`. It
 * is not computed as one: [[CollectForAggregates]] makes it a call on the collected values.
 *
 * The answer depends on the values alone, in whatever order they come, so it is deterministic.
 *
 * @param function the name of the SQL function
 * @param spec of the call, whose only column holds the values of a group
 * @param child a value
 */
case class LLMAggregate(function: String, spec: CallSpec, child: Expression)
    extends AggregateFunction with UnaryLike[Expression] {

  override def dataType: DataType = spec.dataType

  override def nullable: Boolean = true

  override def prettyName: String = function

  final override val nodePatterns: Seq[TreePattern] = Seq(PYTHON_UDF)

  override def sql(isDistinct: Boolean): String = text(isDistinct, child.sql)

  override def toAggString(isDistinct: Boolean): String = text(isDistinct, child.toString)

  private def text(isDistinct: Boolean, argument: String): String =
    spec.text(function, (if (isDistinct) "DISTINCT " else "") + argument)

  override def aggBufferSchema: StructType = neverComputed

  override def aggBufferAttributes: Seq[AttributeReference] = neverComputed

  override def inputAggBufferAttributes: Seq[AttributeReference] = neverComputed

  override def eval(input: InternalRow): Any = neverComputed

  override protected def doGenCode(context: CodegenContext, code: ExprCode): ExprCode =
    neverComputed

  private def neverComputed: Nothing =
    throw new IllegalStateException(s"$function is to be a call before the query is planned")

  override protected def withNewChildInternal(newChild: Expression): LLMAggregate =
    copy(child = newChild)
}
