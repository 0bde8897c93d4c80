package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.expressions.Literal.{FalseLiteral, TrueLiteral}
import org.apache.spark.sql.catalyst.expressions.aggregate.{AggregateFunction, First, Max}
import org.apache.spark.sql.catalyst.plans._
import org.apache.spark.sql.catalyst.plans.logical._

/**
 * Joins whose condition has calls on columns of both sides. The rest of the condition forms pairs
 * of rows, which are counted ([[PairLimit]]) and asked, each different pair once.
 *
 * {{{
 *   Join Inner, ((l.k = r.k) AND llm(filter, l.a, r.a))
 * }}}
 * becomes
 * {{{
 *   Filter llm(filter, l.a, r.a)
 *   +- Sort [l.a, r.a], not global
 *      +- RepartitionByExpression [l.a, r.a]
 *         +- PairLimit 100000
 *            +- Join Inner, (l.k = r.k)
 * }}}
 *
 * A semi join puts rows together again by the row of the left side that they came from:
 * {{{
 *   Aggregate [row], [first(a) AS a]
 *   +- Filter llm(filter, l.a, r.a)
 *      +- ...
 *         +- Join Inner, (l.k = r.k)
 *            :- Project [a, k, monotonically_increasing_id() AS row]
 * }}}
 *
 * Other joins also need the rows of the left side that match none. An anti join keeps those, an
 * existence join has them with false:
 * {{{
 *   Filter NOT matched
 *   +- Aggregate [row], [first(a) AS a, max(matches) AS matched]
 *      +- Project [a, row, (if (pair) llm(filter, l.a, r.a) <=> true) AS matches]
 *         +- ...
 *            +- Join LeftOuter, (l.k = r.k)
 *               :- Project [a, k, monotonically_increasing_id() AS row]
 *               +- Project [a, k, true AS pair]
 * }}}
 * and an outer join has them once, with NULL:
 * {{{
 *   Project [l.a, if (matches) r.a else null AS a]
 *   +- Filter (matches OR (place = 1))
 *      +- Window [row_number() OVER (PARTITION BY row ORDER BY matches DESC) AS place]
 *         +- Project [l.a, r.a, row, (if (pair) llm(filter, l.a, r.a) <=> true) AS matches]
 *            ... as above
 * }}}
 * with the sides swapped for a right outer join. A full outer join would need both sides' rows.
 */
object SemanticJoin extends PredicateHelper {

  /** The join taken apart; None where no call takes columns of both sides. */
  def apply(join: Join): Option[LogicalPlan] =
    join.condition.flatMap { condition =>
      val (crossing, rest) = splitConjunctivePredicates(condition).partition { predicate =>
        callOverBothSides(predicate, join).nonEmpty
      }
      if (crossing.isEmpty) None
      else Some(split(join, crossing.reduce(And), rest.reduceOption(And)))
    }

  private def callOverBothSides(predicate: Expression, join: Join): Option[Expression] =
    predicate.find {
      case call: LLMCall =>
        !call.references.subsetOf(join.left.outputSet) &&
          !call.references.subsetOf(join.right.outputSet)
      case _ => false
    }

  private def split(join: Join, asked: Expression, rest: Option[Expression]): LogicalPlan =
    join.joinType match {
      case kind if join.isStreaming && !kind.isInstanceOf[InnerLike] =>
        val call = callOverBothSides(asked, join).get
        throw LLMAnalysisException.streamedJoin(call, kind.sql).withPosition(call.origin)
      case _: InnerLike => Filter(asked, distinctTogether(asked, join.copy(condition = rest)))
      case LeftSemi =>
        val (left, row) = numbered(join.left)
        val pairs = Join(left, join.right, Inner, rest, join.hint)
        val matching = Filter(asked, distinctTogether(asked, pairs))
        Aggregate(Seq(row), firsts(join.left.output), matching)
      case LeftAnti =>
        val (matched, rows) = perRow(join, asked, rest)
        Project(join.left.output, Filter(Not(matched), rows))
      case ExistenceJoin(exists) =>
        val (matched, rows) = perRow(join, asked, rest)
        Project(
          join.left.output :+ Alias(matched, exists.name)(exprId = exists.exprId), rows)
      case LeftOuter => leftOuter(join.left, join.right, asked, rest, join.hint)
      case RightOuter =>
        val hint = JoinHint(join.hint.rightHint, join.hint.leftHint)
        Project(join.output, leftOuter(join.right, join.left, asked, rest, hint))
      case other =>
        val call = callOverBothSides(asked, join).get
        throw LLMAnalysisException.joinCondition(call, other.sql).withPosition(call.origin)
    }

  /** Whether a row of the left side matches any, and the rows of the left side with that. */
  private def perRow(
      join: Join, asked: Expression, rest: Option[Expression]): (Attribute, LogicalPlan) = {
    val pairs = Pairs(join.left, join.right, asked, rest, join.hint)
    val matched = aggregated(Max(pairs.matches), "matched")
    val rows = Aggregate(Seq(pairs.row), firsts(join.left.output) :+ matched, pairs.plan)
    (matched.toAttribute, rows)
  }

  private def leftOuter(
      left: LogicalPlan,
      right: LogicalPlan,
      asked: Expression,
      rest: Option[Expression],
      hint: JoinHint): LogicalPlan = {
    val pairs = Pairs(left, right, asked, rest, hint)
    val order = Seq(SortOrder(pairs.matches, Descending))
    val frame = SpecifiedWindowFrame(RowFrame, UnboundedPreceding, CurrentRow)
    val numbering = WindowExpression(
      RowNumber(), WindowSpecDefinition(Seq(pairs.row), order, frame))
    val place = Alias(numbering, "place")()
    val window = Window(Seq(place), Seq(pairs.row), order, pairs.plan)
    val once = Filter(Or(pairs.matches, EqualTo(place.toAttribute, Literal(1))), window)
    val filled = right.output.map { column =>
      val value = If(pairs.matches, pairs.of(column), Literal(null, column.dataType))
      Alias(value, column.name)(exprId = column.exprId, qualifier = column.qualifier)
    }
    Project(left.output ++ filled, once)
  }

  /**
   * The rows of the left side, each with all of the right side that the rest of the condition pairs
   * it with, or with NULL where that is none.
   *
   * @param row the number of the row of the left side
   * @param matches whether the row is a pair that the whole condition is true for
   * @param of the columns of the right side, which have other ids here
   */
  private case class Pairs(
      plan: LogicalPlan, row: Attribute, matches: Attribute, of: AttributeMap[Attribute])

  private object Pairs {
    def apply(
        left: LogicalPlan,
        right: LogicalPlan,
        asked: Expression,
        rest: Option[Expression],
        hint: JoinHint): Pairs = {
      val (numberedLeft, row) = numbered(left)
      val renamed = right.output.map(column => column -> Alias(column, column.name)())
      val of = AttributeMap(renamed.map { case (column, alias) =>
        column -> alias.toAttribute.withNullability(true)
      })
      def moved(condition: Expression): Expression =
        condition.transform { case column: Attribute => of.getOrElse(column, column) }
      val present = Alias(TrueLiteral, "pair")()
      val marked = Project(renamed.map(_._2) :+ present, right)
      val join = Join(numberedLeft, marked, LeftOuter, rest.map(moved), hint)
      val isPair = present.toAttribute.withNullability(true)
      val whole = EqualNullSafe(If(IsNotNull(isPair), moved(asked), FalseLiteral), TrueLiteral)
      val matches = Alias(whole, "matches")()
      val columns = left.output ++ right.output.map(of) ++ Seq(row, matches)
      val pairs = distinctTogether(moved(asked), join, Some(isPair))
      Pairs(Project(columns, pairs), row, matches.toAttribute, of)
    }
  }

  /**
   * The pairs, counted, and equal ones next to each other: they are asked once. Each comes to a
   * task by its hash, so that no sample forms pairs again.
   */
  private def distinctTogether(
      asked: Expression, pairs: Join, isPair: Option[Attribute] = None): LogicalPlan = {
    val limited = PairLimit.of(pairs, isPair)
    val columns = asked.collect { case call: LLMCall =>
      call.arguments.flatMap(_.collect { case column: Attribute => column })
    }.flatten.distinct
    val keys = columns.filter(column => RowOrdering.isOrderable(column.dataType))
    if (!Switch.PrefixExchange.isOn || keys.isEmpty || pairs.isStreaming) limited
    else {
      val order = keys.map(SortOrder(_, Ascending))
      Sort(order, global = false, RepartitionByExpression(keys, limited, Engines.partitions))
    }
  }

  private def numbered(left: LogicalPlan): (LogicalPlan, Attribute) = {
    val row = Alias(MonotonicallyIncreasingID(), "row")()
    (Project(left.output :+ row, left), row.toAttribute)
  }

  private def firsts(columns: Seq[Attribute]): Seq[NamedExpression] = columns.map { column =>
    val first = First(column, ignoreNulls = false).toAggregateExpression()
    Alias(first, column.name)(exprId = column.exprId, qualifier = column.qualifier)
  }

  private def aggregated(function: AggregateFunction, name: String): Alias =
    Alias(function.toAggregateExpression(), name)()
}
