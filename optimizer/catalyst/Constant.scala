package org.apache.spark.sql.sparkllm

import scala.util.control.NonFatal

import org.apache.spark.sql.catalyst.CatalystTypeConverters
import org.apache.spark.sql.catalyst.expressions.{Expression, RuntimeReplaceable}

/** The value of an argument that has to be known before the query runs. */
object Constant {

  /**
   * Evaluates `expression` into Scala values (`String`, `Seq`, `Map`, boxed numbers, `null`).
   *
   * @param role what the argument is, for the message of the exception
   */
  def apply(expression: Expression, role: String): Any = {
    if (!expression.foldable) {
      throw LLMAnalysisException.notConstant(role, expression)
    }
    val evaluable = expression.transform { case call: RuntimeReplaceable => call.replacement }
    val value =
      try evaluable.eval()
      catch {
        case NonFatal(error) => throw LLMAnalysisException.notEvaluated(role, expression, error)
      }
    CatalystTypeConverters.convertToScala(value, evaluable.dataType)
  }
}
