package org.apache.spark.sql.sparkllm

import scala.collection.mutable

import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.plans.logical._

/**
 * Puts rows together before calls that all branches of a UNION ALL have are asked, so that inputs
 * of several branches are one.
 *
 * {{{
 *   Union
 *   :- Project [llm#1 AS s]
 *   :  +- LLMEval [llm(classify, text) AS llm#1]
 *   :     +- Relation [text]
 *   +- Project [llm#2 AS s]
 *      +- LLMEval [llm(classify, text) AS llm#2]
 *         +- Relation [text]
 * }}}
 * becomes
 * {{{
 *   Project [llm#3 AS s]
 *   +- LLMEval [llm(classify, text) AS llm#3]
 *      +- Union
 *         :- Project [text]
 *         :  +- Relation [text]
 *         +- Project [text]
 *            +- Relation [text]
 * }}}
 */
object UnionFirst {
  def apply(union: Union): Option[LogicalPlan] = {
    val chains = union.children.collect { case CallChain(chain) => chain }
    if (!Switch.UnionFirst.isOn || union.byName || chains.size < union.children.size) None
    else new UnionOfCalls(union, chains).lifted
  }
}

/** The chains of calls of all branches as one chain, if they are alike. */
private class UnionOfCalls(union: Union, chains: Seq[CallChain]) {

  /** A column of the union for each row of corresponding columns of the branches. */
  private val known = mutable.HashMap.empty[Seq[ExprId], Attribute]
  private val inputs = mutable.ArrayBuffer.empty[Seq[Alias]]

  /** What the projections of each branch compute without an answer. */
  private val computed: Seq[AttributeMap[Expression]] = chains.map { chain =>
    AttributeMap(chain.operators.collect { case Project(list, _) => list }.flatten.collect {
      case alias: Alias if alias.references.subsetOf(chain.rows.outputSet) =>
        alias.toAttribute -> alias.child
    })
  }

  def lifted: Option[LogicalPlan] = {
    // Columns are only selected by the other projections: the last one here does that.
    val levels = chains.map(_.operators.filter {
      case Project(list, _) => answering(list).nonEmpty
      case _ => true
    })
    if (levels.map(_.size).distinct.size > 1) None
    else for {
      operators <- sequence(levels.map(_.reverse).transpose.map(level => alike(level)))
      results <- sequence(union.children.map(_.output).transpose.map(same))
    } yield {
      val rows = union.copy(children = chains.zipWithIndex.map { case (chain, branch) =>
        Project(inputs.map(_(branch)).toSeq, chain.rows)
      })
      val asked = operators.foldLeft[LogicalPlan](rows)((child, operator) => operator(child))
      val named = results.zip(union.output).map { case (result, output) =>
        Alias(result, output.name)(exprId = output.exprId, qualifier = output.qualifier)
      }
      Project(named, asked)
    }
  }

  /** The operators of one level as one, from the lowest level up. */
  private def alike(level: Seq[UnaryNode]): Option[LogicalPlan => LogicalPlan] = level.head match {
    case _: Filter =>
      val conditions = level.collect { case Filter(condition, _) => condition }
      unified(conditions, level).map { condition => (child: LogicalPlan) =>
        Filter(condition, child)
      }
    case _: LLMEval =>
      val evaluations = level.collect { case evaluation: LLMEval => evaluation }
      for {
        calls <- aliases(evaluations.map(_.calls), level)
        wanted <- optional(evaluations.map(_.wanted), level)
        if evaluations.map(_.kept.size).distinct.size == 1
        kept <- sequence(evaluations.map(_.kept).transpose.map(same))
      } yield { child: LogicalPlan =>
        val answers = kept.collect { case answer: Attribute => answer }
        LLMEval(calls, child, wanted = wanted, kept = answers)
      }
    case _ =>
      val added = level.collect { case Project(list, _) => answering(list) }
      aliases(added, level).map { named => (child: LogicalPlan) =>
        Project(child.output ++ named, child)
      }
  }

  /** The results of a projection that need an answer. */
  private def answering(list: Seq[NamedExpression]): Seq[Alias] = list.collect {
    case alias: Alias if !computed.exists(_.contains(alias.toAttribute)) => alias
  }

  private def aliases(branches: Seq[Seq[Alias]], level: Seq[UnaryNode]): Option[Seq[Alias]] =
    if (branches.size < level.size || branches.map(_.size).distinct.size > 1) None
    else sequence(branches.transpose.map { named =>
      unified(named.map(_.child), level).map { value =>
        val alias = Alias(value, named.head.name)()
        known(named.map(_.exprId)) = alias.toAttribute
        alias
      }
    })

  private def optional(
      conditions: Seq[Option[Expression]], level: Seq[UnaryNode]): Option[Option[Expression]] =
    if (conditions.forall(_.isEmpty)) Some(None)
    else unified(conditions.flatten, level).map(Some(_))

  /** None where not every branch has such an operator or expression. */
  private def unified(parts: Seq[Expression], level: Seq[UnaryNode]): Option[Expression] =
    if (parts.size < level.size) None else same(parts)

  /** The expression of which those of the branches are the same but for their columns. */
  private def same(parts: Seq[Expression]): Option[Expression] = {
    val columns = parts.collect { case column: Attribute => column }
    if (columns.size == parts.size) column(columns)
    else if (parts.map(_.children.size).distinct.size > 1) None
    else sequence(parts.map(_.children).transpose.map(same)).flatMap { children =>
      val renamed = parts.map(_.withNewChildren(children))
      if (renamed.forall(_.semanticEquals(renamed.head))) Some(renamed.head) else None
    }
  }

  private def column(columns: Seq[Attribute]): Option[Attribute] = {
    val ids = columns.map(_.exprId)
    if (!known.contains(ids) && columns.forall(_.dataType == columns.head.dataType)) {
      sequence(columns.indices.map(branch => input(columns(branch), branch))).foreach { values =>
        inputs += values.zip(columns).map { case (value, column) => Alias(value, column.name)() }
        known(ids) = inputs.last.head.toAttribute.withNullability(columns.exists(_.nullable))
      }
    }
    known.get(ids)
  }

  /** A column of a branch as its rows give it. */
  private def input(column: Attribute, branch: Int): Option[Expression] =
    if (chains(branch).rows.outputSet.contains(column)) Some(column)
    else computed(branch).get(column)

  private def sequence[T](options: Seq[Option[T]]): Option[Seq[T]] =
    if (options.forall(_.isDefined)) Some(options.flatten) else None
}
