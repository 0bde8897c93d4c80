package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.catalog.{CatalogTable, HiveTableRelation}
import org.apache.spark.sql.catalyst.expressions.Attribute
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan
import org.apache.spark.sql.execution.datasources.LogicalRelation

/**
 * What `ANALYZE TABLE … COMPUTE STATISTICS FOR COLUMNS` found out about a column.
 *
 * @param rows of the table
 * @param distinct values, NULL included, at least 1
 * @param bytes of a value with its name in a prompt
 */
case class ColumnStatistics(rows: Double, distinct: Double, bytes: Double)

object ColumnStatistics {
  private val Frame = ": \n".length

  /** The statistics of a column of a table below `plan`, whether or not the optimizer uses them. */
  def of(column: Attribute, plan: LogicalPlan): Option[ColumnStatistics] =
    for {
      leaf <- plan.collectLeaves().find(_.outputSet.contains(column))
      table <- tableOf(leaf)
      gathered <- table.stats
      rows <- gathered.rowCount if rows > 0
      statistics <- gathered.colStats.get(column.name)
      distinct <- statistics.distinctCount
      length <- statistics.avgLen
    } yield {
      val nulls = if (statistics.nullCount.exists(_ > 0)) 1 else 0
      ColumnStatistics(
        rows.toDouble,
        math.min(rows.toDouble, math.max(1.0, distinct.toDouble + nulls)),
        (column.name.length + Frame + length).toDouble)
    }

  /** The rows of a table that was analyzed, whether or not the optimizer uses them. */
  def rowsOf(leaf: LogicalPlan): Option[BigInt] = tableOf(leaf).flatMap(_.stats).flatMap(_.rowCount)

  private def tableOf(leaf: LogicalPlan): Option[CatalogTable] = leaf match {
    case relation: LogicalRelation => relation.catalogTable
    case relation: HiveTableRelation => Some(relation.tableMeta)
    case _ => None
  }
}
