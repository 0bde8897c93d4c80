package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions.{Expression, Literal, NamedExpression}
import org.apache.spark.sql.internal.SQLConf

/** What EXPLAIN says about the calls of an operator, beside the calls themselves. */
object CallNotes {

  /** Layout of the prompts, order of their fields, and the rules that changed the query. */
  def of(evaluation: LLMEval): Seq[String] = {
    val fired = FiredRules.of(evaluation)
    layout(evaluation) ++ Seq(fields(evaluation)) ++
      (if (fired.isEmpty) None else Some(fired.mkString("rules ", ", ", "")))
  }

  private def layout(evaluation: LLMEval): Seq[String] =
    if (evaluation.fused.isEmpty) Seq("instruction first")
    else evaluation.fused.map(_.mkString("fused [", ", ", "]: data first in long rows"))

  private def fields(evaluation: LLMEval): String = evaluation.order match {
    case Some(order: Literal) =>
      val columns = evaluation.columns
      PrefixKey.positions(order).toSeq.flatten.map(position => named(columns(position)))
        .mkString("fields ", ", ", "")
    case Some(_) => "order of fields decided at run time"
    case None if evaluation.columns.size > 1 && isPerGroup =>
      "orders of fields decided at run time"
    case None => "fields as written"
  }

  private def named(column: Expression): String = column match {
    case named: NamedExpression => named.name
    case other => other.sql
  }

  private def isPerGroup: Boolean =
    SQLConf.get.getConfString("spark.sparkllm.optimizer.columnOrder", "asWritten") == "perGroup"
}
