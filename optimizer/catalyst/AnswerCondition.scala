package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.types._

/**
 * A condition over the answers of calls, in a form that workers can evaluate:
 * {{{
 *   (llm#1 = good) AND NOT (llm#2 IN (a, b))
 * }}}
 * is, in the order of the calls,
 * {{{
 *   {"and": [{"call": 0, "test": "in", "values": ["good"], "null": false},
 *            {"call": 1, "test": "not in", "values": ["a", "b"], "null": false}]}
 * }}}
 * It knows AND, OR, NOT and comparisons of an answer with constants, of types whose values compare
 * in Python as they do in Spark. `null` says whether an answer that is NULL passes.
 */
class AnswerCondition(answers: Seq[Attribute]) {
  private type Test = Map[String, Any]

  /** The condition; None where a worker can't evaluate it. */
  def apply(condition: Expression): Option[Test] = when(condition, holds = true)

  /** When `expression` is true, or when it is false, which NULL is not. */
  private def when(expression: Expression, holds: Boolean): Option[Test] = expression match {
    case And(left, right) => both(if (holds) "and" else "or", left, right, holds)
    case Or(left, right) => both(if (holds) "or" else "and", left, right, holds)
    case Not(child) => when(child, !holds)
    case answer: Attribute if answer.dataType == BooleanType =>
      test(answer, "in", Seq(Literal(holds)))
    case IsNull(answer) => if (holds) isNull(answer) else test(answer, "not in", Nil)
    case IsNotNull(answer) => if (holds) test(answer, "not in", Nil) else isNull(answer)
    case EqualTo(constant: Literal, answer) => among(answer, Seq(constant), holds)
    case EqualTo(answer, constant) => among(answer, Seq(constant), holds)
    case EqualNullSafe(constant: Literal, answer) => same(answer, constant, holds)
    case EqualNullSafe(answer, constant) => same(answer, constant, holds)
    case In(answer, list) => among(answer, list, holds)
    case InSet(answer, values) =>
      among(answer, values.toSeq.map(Literal(_, answer.dataType)), holds)
    case LessThan(answer, constant: Literal) => compared(answer, if (holds) "<" else ">=", constant)
    case LessThan(constant: Literal, answer) => compared(answer, if (holds) ">" else "<=", constant)
    case GreaterThan(left, right) => when(LessThan(right, left), holds)
    case LessThanOrEqual(left, right) => when(LessThan(right, left), !holds)
    case GreaterThanOrEqual(left, right) => when(LessThan(left, right), !holds)
    case _ => None
  }

  private def both(word: String, left: Expression, right: Expression, holds: Boolean) =
    for (first <- when(left, holds); second <- when(right, holds))
      yield Map(word -> Seq(first, second))

  private def among(answer: Expression, values: Seq[Expression], holds: Boolean): Option[Test] =
    test(answer, if (holds) "in" else "not in", values)

  private def same(answer: Expression, value: Expression, holds: Boolean): Option[Test] =
    if (holds) among(answer, Seq(value), holds)
    else test(answer, "not in", Seq(value), passesNull = true)

  private def isNull(answer: Expression) = test(answer, "in", Nil, passesNull = true)

  private def compared(answer: Expression, test: String, constant: Literal): Option[Test] =
    this.test(answer, test, Seq(constant))

  private def test(
      answer: Expression,
      test: String,
      values: Seq[Expression],
      passesNull: Boolean = false): Option[Test] = {
    val call = answers.indexWhere(_.semanticEquals(answer))
    val sent = values.collect {
      case Literal(value, dataType) if value != null && dataType == answer.dataType =>
        AnswerCondition.sent(value, dataType)
    }.flatten
    if (call < 0 || sent.size < values.size || !AnswerCondition.compares(answer.dataType)) None
    else Some(Map("call" -> call, "test" -> test, "values" -> sent, "null" -> passesNull))
  }
}

object AnswerCondition {

  /** Whether values of the type compare in Python as in Spark. */
  private def compares(dataType: DataType): Boolean = dataType match {
    case StringType | BooleanType | ByteType | ShortType | IntegerType | LongType => true
    case DoubleType => true
    case _ => false
  }

  private def sent(value: Any, dataType: DataType): Option[Any] = dataType match {
    case StringType => Some(value.toString)
    case DoubleType =>
      Some(value).collect { case number: Double if !number.isNaN && !number.isInfinite =>
        new java.math.BigDecimal(number)
      }
    case _ => Some(value)
  }
}
