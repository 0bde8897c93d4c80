package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.execution._
import org.apache.spark.sql.execution.adaptive.{AQEShuffleReadExec, QueryStageExec}
import org.apache.spark.sql.execution.columnar.InMemoryTableScanExec

/**
 * How many rows a plan that is about to run has, where that is known and no estimate: what a stage
 * has written, a cached table, rows that come from the driver. The driver shows it as the whole of
 * which so much is done.
 */
object KnownRows {
  def apply(plan: SparkPlan): Option[BigInt] = plan match {
    case stage: QueryStageExec if stage.isMaterialized => stage.getRuntimeStatistics.rowCount
    case rows: LocalTableScanExec => Some(BigInt(rows.rows.size))
    case range: RangeExec => Some(range.range.numElements)
    case cached: InMemoryTableScanExec if cached.relation.cacheBuilder.isCachedColumnBuffersLoaded =>
      cached.relation.computeStats().rowCount
    case read: AQEShuffleReadExec => apply(read.child)
    case _: ProjectExec | _: SortExec | _: InputAdapter | _: WholeStageCodegenExec |
        _: LLMEvalExec | _: ColumnarToRowExec => apply(plan.children.head)
    case _ => None
  }
}
