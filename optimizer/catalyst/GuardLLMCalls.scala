package org.apache.spark.sql.sparkllm

import scala.collection.mutable

import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.expressions.Literal.{FalseLiteral, TrueLiteral}
import org.apache.spark.sql.catalyst.expressions.aggregate.AggregateExpression
import org.apache.spark.sql.catalyst.plans.logical._
import org.apache.spark.sql.types.StringType

/**
 * Gives calls the condition under which their answer matters: that of the CASE, IF, COALESCE, AND or
 * OR they stand in. A row for which it isn't true is not asked.
 *
 * {{{
 *   Project [CASE WHEN (a > 1) THEN llm(classify, b) ELSE none END]
 * }}}
 * becomes
 * {{{
 *   Project [CASE WHEN (a > 1) THEN llm(classify, b) IF (a > 1) ELSE none END]
 * }}}
 *
 * A call that stands in several places is asked where any of them needs it. A condition may hold
 * calls itself: those are evaluated first. Of two operands of AND or OR, the one without a call
 * guards the other; of two with calls, the first the second.
 *
 * The arguments of a guarded call are computed for the rows that are asked only, so `10 div a` is no
 * error where a CASE lets no row with a 0 pass; calls with such arguments are guarded in any case.
 */
object GuardLLMCalls extends PredicateHelper {
  private type Guard = Option[Expression]

  /** The operator with guarded calls, which [[ExtractLLMCalls]] takes as they are. */
  def apply(operator: LogicalPlan): LogicalPlan = {
    val places = new Places(operator.children, startsGuarding = !operator.isInstanceOf[Aggregate])
    operator.expressions.foreach(places.visit(_, None))
    if (!places.anyGuard) {
      operator
    } else {
      operator.transformExpressionsDown { case call: LLMCall => places.guarded(call) }
    }
  }

  /** Where calls stand in an operator, and the guards of these places. */
  private class Places(inputs: Seq[LogicalPlan], startsGuarding: Boolean) {
    private val guards = mutable.LinkedHashMap.empty[Expression, Vector[Guard]]
    private val finished = mutable.HashMap.empty[Expression, LLMCall]

    def anyGuard: Boolean = guards.values.exists(!_.contains(None))

    /** Notes the calls in `expression`, which is evaluated where `guard` is true. */
    def visit(expression: Expression, guard: Guard, guarding: Boolean = startsGuarding): Unit = {
      def always(part: Expression): Unit = visit(part, guard, guarding)
      def when(part: Expression, conditions: Expression*): Unit =
        visit(part, conditions.foldLeft(guard)(both), guarding)
      expression match {
        case _ if !LLMCall.isIn(expression) =>
        case call: LLMCall =>
          val key = call.canonicalized
          guards(key) = guards.getOrElse(key, Vector.empty) :+ guard
          call.children.foreach(always)
        case AggregateExpression(function, _, _, filter, _) =>
          visit(function, filter.foldLeft(guard)((outer, f) => both(outer, isTrue(f))), true)
          filter.foreach(visit(_, guard, true))
        case _ if !guarding => expression.children.foreach(always)
        case If(condition, yes, no) =>
          always(condition)
          when(yes, isTrue(condition))
          when(no, Not(isTrue(condition)))
        case CaseWhen(branches, otherwise) =>
          val passed = branches.foldLeft(Vector.empty[Expression]) {
            case (before, (condition, value)) =>
              when(condition, before: _*)
              when(value, before :+ isTrue(condition): _*)
              before :+ Not(isTrue(condition))
          }
          otherwise.foreach(when(_, passed: _*))
        case Coalesce(choices) =>
          choices.foldLeft(Vector.empty[Expression]) { (before, choice) =>
            when(choice, before: _*)
            before :+ IsNull(choice)
          }
        case And(left, right) => operands(left, right, isNotFalse)
        case Or(left, right) => operands(left, right, part => Not(isTrue(part)))
        case other => other.children.foreach(always)
      }

      def operands(left: Expression, right: Expression, matters: Expression => Expression): Unit =
        if (!LLMCall.isIn(right)) {
          when(left, matters(right))
        } else {
          always(left)
          when(right, matters(left))
        }
    }

    /** The call with the guard of all its places. */
    def guarded(call: LLMCall): LLMCall =
      if (call.guard.isDefined) call else finished.getOrElse(call.canonicalized, finish(call))

    private def finish(call: LLMCall): LLMCall = {
      val key = call.canonicalized
      val guard =
        if (Switch.Guards.isOn || call.arguments.exists(mayFail)) {
          common(key).flatMap(givenWith(call, _)).filterNot(reaches(_, key, Set.empty))
        } else {
          None
        }
      if (guard.isDefined) Switch.Guards.fired()
      val result =
        call.copy(arguments = call.arguments.map(finishedIn), guard = guard.map(finishedIn))
      finished(key) = result
      result
    }

    /** What of the guard can be computed where the call is: on the same side of a join. */
    private def givenWith(call: LLMCall, guard: Expression): Guard =
      splitConjunctivePredicates(guard)
        .filter { part =>
          val columns = call.references ++ part.references
          inputs.exists(input => columns.subsetOf(input.outputSet))
        }
        .reduceOption(And)

    private def finishedIn(expression: Expression): Expression =
      expression.transformDown { case call: LLMCall => guarded(call) }

    /** Whether the guard needs the answer of the call that it guards. */
    private def reaches(guard: Expression, key: Expression, seen: Set[Expression]): Boolean =
      guard.exists {
        case call: LLMCall =>
          val other = call.canonicalized
          other == key ||
            (!seen(other) && common(other).exists(reaches(_, key, seen + other)))
        case _ => false
      }

    /** The guard of all places of a call; None where one place has none. */
    private def common(key: Expression): Guard = guards.get(key).flatMap { places =>
      if (places.contains(None)) None
      else Some(ExpressionSet(places.flatten).toSeq.reduce(Or)).filter(isUsable)
    }
  }

  /** Whether an argument is computed, and so may be an error for some row. */
  def mayFail(argument: Expression): Boolean = argument match {
    case _: Attribute | _: Literal => false
    case cast: Cast => cast.dataType != StringType || mayFail(cast.child)
    case _: GetStructField | _: Concat | _: Upper | _: Lower | _: Coalesce | _: StringTrim =>
      argument.children.exists(mayFail)
    case _ => true
  }

  private def isTrue(condition: Expression): Expression = EqualNullSafe(condition, TrueLiteral)

  /** A conjunction is not false where none of its parts is. */
  private def isNotFalse(condition: Expression): Expression =
    splitConjunctivePredicates(condition)
      .map[Expression](part => Not(EqualNullSafe(part, FalseLiteral)))
      .reduce(And)

  private def both(guard: Guard, condition: Expression): Guard =
    Some(guard.fold(condition)(And(_, condition)))

  /** Whether a guard can be computed in another place than where it stands. */
  private def isUsable(guard: Expression): Boolean = guard.deterministic && !guard.exists {
    case _: PlanExpression[_] | _: AggregateExpression | _: WindowExpression | _: Generator => true
    case _ => false
  }
}
