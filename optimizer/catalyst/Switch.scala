package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.internal.SQLConf

/** Whether a session wants a rule that saves calls: `spark.sparkllm.optimizer.<rule>.enabled`. */
class Switch(rule: String) {
  private val key = s"spark.sparkllm.optimizer.$rule.enabled"

  def isOn: Boolean = SQLConf.get.getConfString(key, "true").toBoolean

  /** Notes that the rule changed a plan, for EXPLAIN. */
  def fired(): Unit = FiredRules.note(rule)
}

object Switch {
  val CheapPredicatesFirst = new Switch("cheapPredicatesFirst")
  val PredicatesInTurn = new Switch("predicatesInTurn")
  val Guards = new Switch("guards")
  val LimitFirst = new Switch("limitFirst")
  val LimitStopsAsking = new Switch("limitStopsAsking")
  val TopRowsFirst = new Switch("topRowsFirst")
  val PrefixExchange = new Switch("prefixExchange")
}
