package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions.IntegerLiteral
import org.apache.spark.sql.catalyst.plans.logical._
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.catalyst.trees.TreePattern.PYTHON_UDF
import org.apache.spark.sql.internal.SQLConf

/**
 * Lets calls start with few rows where a LIMIT above them may have enough of those.
 *
 * {{{
 *   LocalLimit 10
 *   +- Filter (llm#1 = good)
 *      +- LLMEval [llm(classify, a) AS llm#1]
 * }}}
 * becomes
 * {{{
 *   LocalLimit 10
 *   +- Filter (llm#1 = good)
 *      +- LLMEval [llm(classify, a) AS llm#1], first 10 rows
 * }}}
 *
 * What can be taken below the calls is taken there before: see [[LimitBeforeLLMEval]].
 */
object LimitStopsAsking extends Rule[LogicalPlan] {
  override def apply(plan: LogicalPlan): LogicalPlan =
    if (!Switch.LimitStopsAsking.isOn) {
      plan
    } else {
      plan.transformDownWithPruning(_.containsPattern(PYTHON_UDF)) {
        case limit @ LocalLimit(IntegerLiteral(rows), child)
            if rows > 0 && rows < WindowRows.ofTasks(SQLConf.get) =>
          limit.withNewChildren(Seq(startingWith(rows, child)))
      }
    }

  /** The plan with calls that first take `rows` rows, as far down as rows are passed one by one. */
  private def startingWith(rows: Int, plan: LogicalPlan): LogicalPlan = plan match {
    case evaluation: LLMEval =>
      val child = startingWith(rows, evaluation.child)
      evaluation.copy(child = child, firstWindow = Some(FirstWindow(rows)))
    case _: Project | _: Filter | _: Generate | _: Union =>
      plan.withNewChildren(plan.children.map(startingWith(rows, _)))
    case other => other
  }
}

/** How many rows calls take at first; then they take twice as many each time. */
case class FirstWindow(rows: Int) {
  override def toString: String = s"first $rows rows"
}

/** The rows that a task sends to the engine together. */
object WindowRows {
  def ofTasks(conf: SQLConf): Int =
    conf.getConfString("spark.sparkllm.worker.windowRows", "4096").toInt
}
