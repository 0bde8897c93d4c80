package org.apache.spark.sql.sparkllm

import scala.collection.immutable.ListMap
import scala.util.control.NonFatal

import org.apache.spark.sql.catalyst.CatalystTypeConverters
import org.apache.spark.sql.catalyst.expressions.{Expression, RuntimeReplaceable}
import org.apache.spark.sql.catalyst.util.MapData
import org.apache.spark.sql.types.MapType

/** The value of an argument that has to be known before the query runs. */
object Constant {

  /**
   * Evaluates `expression` into Scala values (`String`, `Seq`, `Map` in its
   * order, boxed numbers, `null`).
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
    (value, evaluable.dataType) match {
      case (map: MapData, MapType(keyType, valueType, _)) =>
        val keys = map.keyArray().toSeq[Any](keyType)
        val values = map.valueArray().toSeq[Any](valueType)
        ListMap.from(keys.zip(values).map { case (key, entry) =>
          CatalystTypeConverters.convertToScala(key, keyType) ->
            CatalystTypeConverters.convertToScala(entry, valueType)
        })
      case (other, dataType) => CatalystTypeConverters.convertToScala(other, dataType)
    }
  }
}
