package org.apache.spark.sql.sparkllm

import java.io.ByteArrayOutputStream
import java.nio.charset.StandardCharsets.UTF_8

import scala.sys.process.{Process, ProcessIO}
import scala.util.control.NonFatal

import org.apache.spark.sql.{Dataset => AnyDataset}
import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.expressions.aggregate.First
import org.apache.spark.sql.catalyst.plans.logical._
import org.apache.spark.sql.catalyst.plans.logical.statsEstimation.EstimationUtils
import org.apache.spark.sql.classic.{Dataset, SparkSession}
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.types.{StringType, StructType}

/**
 * What the calls of a query would take, for people: from statistics for EXPLAIN COST, from a sample
 * for `sparkllm.explain`. No call is asked for either.
 */
object Estimates {
  private val Function = "sparkllm.worker.sample_estimate.EstimateFunction"
  private val Program = "sparkllm.estimates.from_statistics"
  private val SampledInputs = 16384

  private val toldType = new StructType().add("told", StringType)

  /**
   * For each operator with calls, bottom up, JSON with the calls as text, what EXPLAIN notes about
   * them, and, where their inputs are known without asking, what a sample of these tells.
   */
  def sampled(query: AnyDataset[_]): Array[String] = {
    val dataset = query.asInstanceOf[Dataset[_]]
    val found = dataset.queryExecution.optimizedPlan.collectWithSubqueries {
      case evaluation: LLMEval => evaluation
    }
    found.reverse.map { evaluation =>
      CallJson(Map[String, Any](
        "calls" -> evaluation.unguardedCalls.map(_.toString), "notes" -> CallNotes.of(evaluation)) ++
        sampleOf(evaluation, dataset.sparkSession))
    }.toArray
  }

  private def sampleOf(evaluation: LLMEval, session: SparkSession): Map[String, Any] = {
    val unmoved = ExchangeByPrefix.undone(evaluation)
    val asked = unmoved.copy(child = withoutAnswers(unmoved.child))
    val answers = AttributeSet(unmoved.child.collect { case below: LLMEval =>
      below.producedAttributes.toSeq
    }.flatten)
    if (!SampledPlan.isPossible(asked) ||
        asked.columns.exists(_.references.intersect(answers).nonEmpty)) {
      Map.empty
    } else {
      val sampled = SampledPlan.sampleOf(asked, SampledInputs)
      val (rows, distinct, input) = (sampled.output(0), sampled.output(1), sampled.output(2))
      val told = new PythonEvaluation(asked.unguardedCalls)
        .functionOf(Function, input, toldType, Map.empty)
      val text = Alias(told, "told")()
      val first = Seq(GetStructField(text.toAttribute, 0), rows, distinct).map { column =>
        Alias(First(column, ignoreNulls = true).toAggregateExpression(), "first")()
      }
      val plan = Aggregate(Nil, first, Project(Seq(text, rows, distinct), sampled))
      val row = Dataset.ofRows(session, plan).head()
      if (row.isNullAt(0)) Map("rows" -> 0L, "distinct" -> 0L, "sample" -> "[]", "most" -> false)
      else {
        Map(
          "rows" -> row.getLong(1), "distinct" -> row.getLong(2), "sample" -> row.getString(0),
          "most" -> !asked.child.fastEquals(unmoved.child))
      }
    }
  }

  /** The rows as they are if every condition on an answer holds. */
  private def withoutAnswers(plan: LogicalPlan): LogicalPlan = plan.transformUp {
    case Filter(condition, evaluated: Project) if evaluated.projectList.exists(isUnknown) &&
        condition.references.exists(column =>
          evaluated.projectList.exists(one => isUnknown(one) && one.exprId == column.exprId)) =>
      evaluated
    case evaluation: LLMEval =>
      val unknown = evaluation.calls.map { call =>
        Alias(Literal(null, call.dataType), Unknown)(exprId = call.exprId)
      }
      Project(evaluation.child.output ++ unknown, ExchangeByPrefix.undone(evaluation).child)
  }

  private val Unknown = "unknown answer"

  private def isUnknown(column: NamedExpression): Boolean = column.name == Unknown

  /** What EXPLAIN COST says about an operator: a line for each call. */
  def byStatistics(evaluation: LLMEval): String = {
    val rows = estimatedRows(evaluation.child)
    val columns = evaluation.columns.map {
      case column: Attribute => ColumnStatistics.of(column, evaluation.child).map { known =>
        Map("distinct" -> known.distinct, "bytes" -> known.bytes)
      }.orNull
      case _ => null
    }
    val order = evaluation.order.collect { case known: Literal => known }
    val python = new PythonEvaluation(
      evaluation.unguardedCalls, order.flatMap(PrefixKey.positions(_)))
    val properties = SQLConf.get.getAllConfs.filter { case (name, _) =>
      name.startsWith("spark.sparkllm.") || name == "spark.app.id" || name == "spark.master"
    }
    val json = python.json(Map(
      "rows" -> rows.toLong, "columns" -> columns, "properties" -> properties))
    try ask(json)
    catch { case NonFatal(error) => s"no estimate: ${error.getMessage}" }
  }

  private def ask(json: String): String = {
    val told = new ByteArrayOutputStream
    val process = Process(Seq(PythonInterpreter.executable, "-m", Program)).run(new ProcessIO(
      in => { in.write(json.getBytes(UTF_8)); in.close() },
      out => out.transferTo(told),
      error => error.transferTo(java.io.OutputStream.nullOutputStream())))
    if (process.exitValue() == 0) told.toString(UTF_8).stripTrailing
    else "no estimate: Python failed"
  }

  /** An estimate of the rows; without statistics a join has as many as its larger side. */
  def estimatedRows(plan: LogicalPlan): BigInt = {
    val estimated = plan.stats.rowCount.getOrElse(plan match {
      case union: Union => union.children.map(estimatedRows).sum
      case other if other.children.nonEmpty => other.children.map(estimatedRows).max
      case leaf => ColumnStatistics.rowsOf(leaf).getOrElse(
        leaf.stats.sizeInBytes / EstimationUtils.getSizePerRow(leaf.output))
    })
    plan.maxRows.fold(estimated)(most => estimated.min(BigInt(most)))
  }
}
