package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.internal.SQLConf

/** Whether a session wants a rule that saves calls: `spark.sparkllm.optimizer.<rule>.enabled`. */
class Switch(rule: String, default: Boolean = true) {
  private val key = s"spark.sparkllm.optimizer.$rule.enabled"

  def isOn: Boolean = SQLConf.get.getConfString(key, default.toString).toBoolean

  /** Notes that the rule changed a plan, for EXPLAIN. */
  def fired(): Unit = FiredRules.note(rule)
}

object Switch {
  val CheapPredicatesFirst = new Switch("cheapPredicatesFirst")
  val LearnedPredicateOrder = new Switch("learnedPredicateOrder")
  val PredicatesInTurn = new Switch("predicatesInTurn")
  val Guards = new Switch("guards")
  val LimitFirst = new Switch("limitFirst")
  val LimitStopsAsking = new Switch("limitStopsAsking")
  val TopRowsFirst = new Switch("topRowsFirst")
  val DropInferredCalls = new Switch("dropInferredCalls")
  val SelectiveJoinsFirst = new Switch("selectiveJoinsFirst")
  val GroupsFirst = new Switch("groupsFirst")
  val DistinctInputsFirst = new Switch("distinctInputsFirst")
  val UnionFirst = new Switch("unionFirst")
  val FanOutLast = new Switch("fanOutLast")
  val Fuse = new Switch("fuse", default = false)
  val PrefixExchange = new Switch("prefixExchange")
}
