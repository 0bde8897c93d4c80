package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions.{BinaryExpression, Cast, Expression}
import org.apache.spark.sql.catalyst.expressions.codegen.CodegenFallback
import org.apache.spark.sql.catalyst.util.ArrayData
import org.apache.spark.sql.types._

/** `llm_similarity(a, b)`: texts are embedded, arrays are taken for embeddings. */
object Similarity {
  def of(
      rule: FunctionRule, arguments: Seq[Expression], options: Seq[(String, Any)]): Expression = {
    if (arguments.size != 2) {
      throw LLMAnalysisException.notAPair(rule.name, arguments.size)
    }
    val vectors = arguments.map(embedded(rule, _, options))
    CosineSimilarity(vectors.head, vectors.last)
  }

  private def embedded(
      rule: FunctionRule, argument: Expression, options: Seq[(String, Any)]): Expression =
    argument.dataType match {
      case ArrayType(FloatType | DoubleType, _) => argument
      case ArrayType(_: NumericType, _) => Cast(argument, ArrayType(DoubleType))
      case _ =>
        val call = CallBuilder.call(rule.task, Seq(argument), options)
        if (call.spec.isDetail) {
          throw LLMAnalysisException.wrongOption(
            "on_error", "detail", s"${rule.name} has no detail: ask llm_embed for it")
        }
        call
    }
}

/** The cosine of two vectors; NULL where they differ in size, hold a NULL, or one is zero. */
case class CosineSimilarity(left: Expression, right: Expression)
    extends BinaryExpression with CodegenFallback {

  override def dataType: DataType = DoubleType

  override def nullable: Boolean = true

  override def prettyName: String = "llm_similarity"

  override protected def nullSafeEval(a: Any, b: Any): Any = {
    val (x, y) = (numbers(a, left), numbers(b, right))
    if (x.length != y.length || x.exists(_.isNaN) || y.exists(_.isNaN)) null
    else {
      val lengths = math.sqrt(product(x, x)) * math.sqrt(product(y, y))
      if (lengths == 0) null else math.max(-1.0, math.min(1.0, product(x, y) / lengths))
    }
  }

  /** The numbers of a vector, NaN for NULL. */
  private def numbers(vector: Any, of: Expression): Array[Double] = {
    val array = vector.asInstanceOf[ArrayData]
    val single = of.dataType.asInstanceOf[ArrayType].elementType == FloatType
    Array.tabulate(array.numElements()) { place =>
      if (array.isNullAt(place)) Double.NaN
      else if (single) array.getFloat(place).toDouble
      else array.getDouble(place)
    }
  }

  private def product(x: Array[Double], y: Array[Double]): Double = {
    var sum = 0.0
    var place = 0
    while (place < x.length) {
      sum += x(place) * y(place)
      place += 1
    }
    sum
  }

  override protected def withNewChildrenInternal(
      newLeft: Expression, newRight: Expression): CosineSimilarity =
    copy(left = newLeft, right = newRight)
}
