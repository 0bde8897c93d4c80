package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.classic.SparkSession
import org.apache.spark.sql.internal.SQLConf

/** The engines that a query can have: one on each executor. */
object Engines {
  private val Partitions = "spark.sparkllm.optimizer.prefixExchange.partitions"

  /** Tasks for each engine: one prepares rows while those of the other are in the engine. */
  private val TasksOfEngine = 2

  /** In how many partitions rows keep all engines busy, with as few cuts as that takes. */
  def partitions: Int = SQLConf.get.getConfString(Partitions, "0").toInt match {
    case 0 =>
      val context = SparkSession.active.sparkContext
      val profile = context.resourceProfileManager.defaultResourceProfile
      val tasks = context.maxNumConcurrentTasks(profile)
      val executors = if (context.isLocal) 1 else context.getExecutorIds().size
      if (tasks == 0 || executors == 0) context.defaultParallelism
      else math.min(tasks, TasksOfEngine * executors)
    case wanted => wanted
  }
}
