package org.apache.spark.sql.sparkllm

import scala.collection.mutable

import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan
import org.apache.spark.sql.catalyst.rules.Rule
import org.apache.spark.sql.catalyst.trees.TreeNodeTag

/** Which rules changed a plan, by the names of their switches: EXPLAIN names them beside the calls. */
object FiredRules {
  private val Fired = TreeNodeTag[Seq[String]]("sparkllm.rules")
  private val current = new ThreadLocal[mutable.LinkedHashSet[String]]

  /** Notes that a rule changed the plan that this thread is optimizing. */
  def note(rule: String): Unit = Option(current.get).foreach(_ += rule)

  /** The plan after rules that note what they did, which its calls remember. */
  def noting(optimized: => LogicalPlan): LogicalPlan = {
    val outer = current.get
    current.set(mutable.LinkedHashSet.empty)
    try {
      val plan = optimized
      val fired = current.get.toSeq
      plan.foreach {
        case evaluation: LLMEval => evaluation.setTagValue(Fired, (of(evaluation) ++ fired).distinct)
        case _ =>
      }
      plan
    } finally current.set(outer)
  }

  def of(evaluation: LLMEval): Seq[String] = evaluation.getTagValue(Fired).getOrElse(Nil)
}

/** A rule that notes its switch when it changes a plan. */
case class Noted(rule: Rule[LogicalPlan], switch: Switch) extends Rule[LogicalPlan] {
  override def apply(plan: LogicalPlan): LogicalPlan = {
    val changed = rule(plan)
    if (!changed.fastEquals(plan)) switch.fired()
    changed
  }
}
