package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions.{Expression, InheritAnalysisRules}
import org.apache.spark.sql.catalyst.expressions.{NamedArgumentExpression, PrettyAttribute}
import org.apache.spark.sql.catalyst.expressions.RuntimeReplaceable
import org.apache.spark.sql.catalyst.util.toPrettySQL

/**
 * A call of `llm` as it was written. It names the result column and reads well in EXPLAIN; the
 * optimizer puts `replacement` in its place before anything else.
 */
case class LLMCall(arguments: Seq[Expression], replacement: Expression)
    extends RuntimeReplaceable
    with InheritAnalysisRules {

  override def parameters: Seq[Expression] = arguments.map {
    case NamedArgumentExpression(name, value) =>
      PrettyAttribute(s"$name => ${toPrettySQL(value)}", value.dataType)
    case positional => positional
  }

  override def prettyName: String = LLMFunction.Name

  override protected def withNewChildInternal(newChild: Expression): LLMCall =
    copy(replacement = newChild)
}
