package org.apache.spark.sql.sparkllm

import org.apache.spark.rdd.RDD
import org.apache.spark.sql.catalyst.InternalRow
import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.plans.physical.Partitioning
import org.apache.spark.sql.execution.{ExplainUtils, SparkPlan, UnaryExecNode}
import org.apache.spark.sql.execution.metric.SQLMetric

/**
 * Evaluates the calls of an [[LLMEval]] in the Python worker of each task: all calls in one Python
 * function, so that the engine has their requests together. See [[PythonEvaluation]].
 *
 * @param notes what EXPLAIN says about the calls, see [[CallNotes]]
 */
case class LLMEvalExec(
    calls: Seq[Alias],
    child: SparkPlan,
    firstWindow: Option[FirstWindow] = None,
    order: Option[Expression] = None,
    wanted: Option[Expression] = None,
    kept: Seq[Attribute] = Nil,
    fused: Seq[Seq[Attribute]] = Nil,
    notes: Seq[String] = Nil)
    extends UnaryExecNode {

  override def output: Seq[Attribute] = child.output ++ calls.map(_.toAttribute)

  override def producedAttributes: AttributeSet = AttributeSet(calls.map(_.toAttribute))

  override def outputPartitioning: Partitioning = child.outputPartitioning

  override def outputOrdering: Seq[SortOrder] = child.outputOrdering

  override def nodeName: String = "LLMEval"

  override protected def stringArgs: Iterator[Any] =
    Iterator[Any](calls) ++ firstWindow ++ wanted.map(condition => s"where $condition") ++ notes

  override lazy val metrics: Map[String, SQLMetric] = UsageMetrics.create(sparkContext)

  override protected def doExecute(): RDD[InternalRow] = {
    val evaluation = new PythonEvaluation(
      calls.map(_.child.asInstanceOf[LLMCall]), order.flatMap(PrefixKey.positions(_)), asking)
    val (input, evaluated) = evaluatedBy(evaluation)
    val counters = UsageMetrics.inOrder(metrics)
    val columns = child.output ++ evaluation.answers(input.last)
    val result = child.output.size
    val usage = calls.size
    val specs = calls.map(_.child.asInstanceOf[LLMCall].spec)
    evaluated.mapPartitionsWithIndexInternal { (index, rows) =>
      val projection = UnsafeProjection.create(columns, input)
      projection.initialize(index)
      def answersOf(row: InternalRow) = row.getStruct(result, usage + 1)
      RowErrorLimit.watched(rows, specs, answersOf).map { row =>
        val answered = answersOf(row)
        if (!answered.isNullAt(usage)) {
          UsageMetrics.add(answered.getStruct(usage, UsageMetrics.schema.size), counters)
        }
        projection(row)
      }
    }
  }

  /** Which rows are asked, and how, as the worker is told beside the calls. */
  private def asking: Map[String, Any] = {
    val answers = calls.map(_.toAttribute)
    def positions(some: Seq[Attribute]) =
      some.map(answer => answers.indexWhere(_.exprId == answer.exprId)).filter(_ >= 0)
    val condition = wanted.flatMap(new AnswerCondition(answers)(_)).map { condition =>
      "wanted" -> Map("condition" -> condition, "kept" -> positions(kept))
    }
    val groups = fused.map(positions).filter(_.size > 1)
    Map.empty[String, Any] ++ condition ++
      (if (groups.isEmpty) None else Some("fused" -> groups))
  }

  /** The columns of the child and the result of the evaluation, and their rows. */
  private def evaluatedBy(evaluation: PythonEvaluation): (Seq[Attribute], RDD[InternalRow]) =
    firstWindow match {
      case None =>
        val plan = evaluation.over(child, KnownRows(child))
        (plan.output, plan.execute())
      case Some(FirstWindow(rows)) =>
        val plan = evaluation.over(GrowingWindows.WindowExec(child.output), rows = None)
        val most = WindowRows.ofTasks(conf)
        (plan.output, new GrowingWindows(child.execute(), plan.execute(), rows, most))
    }

  override def verboseStringWithOperatorId(): String =
    s"""
       |$formattedNodeName
       |${ExplainUtils.generateFieldString("Input", child.output)}
       |${ExplainUtils.generateFieldString("Calls", calls)}
       |${ExplainUtils.generateFieldString("Prompts", notes.mkString(", "))}
       |""".stripMargin

  override protected def withNewChildInternal(newChild: SparkPlan): LLMEvalExec =
    copy(child = newChild)
}
