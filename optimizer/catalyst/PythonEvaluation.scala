package org.apache.spark.sql.sparkllm

import java.util.{Collections, HashMap => JavaMap}

import org.apache.spark.SparkEnv
import org.apache.spark.api.python.{PythonEvalType, SimplePythonFunction}
import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.catalyst.expressions.variant.ParseJson
import org.apache.spark.sql.execution.SparkPlan
import org.apache.spark.sql.execution.python.ArrowEvalPythonExec
import org.apache.spark.sql.internal.SQLConf
import org.apache.spark.sql.types.{DataType, StringType, StructField, StructType, VariantType}

/**
 * Several calls as one Python function over a struct of their distinct arguments. A row's result
 * is a struct of the answers, and the usage of the window that the row is the first of, else NULL.
 *
 * @param order of the columns in all prompts: positions in [[LLMEval.columns]]
 * @param asking which rows are asked, and how; see [[LLMEvalExec]]
 */
class PythonEvaluation(
    calls: Seq[LLMCall],
    order: Option[Seq[Int]] = None,
    asking: Map[String, Any] = Map.empty) {
  import PythonEvaluation._

  /** The arguments of each call, and its guard if it has one. */
  private val inputs: Seq[Seq[Expression]] = calls.map { call =>
    call.arguments.map(whereAsked(_, call.guard)) ++ call.guard
  }

  /** What the function is given, each once. */
  val arguments: Seq[Expression] =
    inputs.flatten.foldLeft(Vector.empty[Expression]) { (seen, argument) =>
      if (seen.exists(_.semanticEquals(argument))) seen else seen :+ argument
    }

  private val resultType: StructType = StructType(
    calls.zipWithIndex.map { case (call, position) =>
      StructField(s"answer_$position", carried(call.spec))
    } :+ StructField("usage", UsageMetrics.schema))

  /** The plan that adds the result to the columns of `child`, which has so many rows if known. */
  def over(child: SparkPlan, rows: Option[BigInt]): SparkPlan = {
    val result = AttributeReference("result", resultType)()
    val evaluated = function(rows)
    ArrowEvalPythonExec(Seq(evaluated), Seq(result), child, evaluated.evalType)
  }

  /** The answers of the calls, as values of their types. */
  def answers(result: Attribute): Seq[Expression] = calls.zipWithIndex.map { case (call, position) =>
    val answer = GetStructField(result, position)
    val value =
      if (call.spec.carriesDetail) GetStructField(answer, AnswerDetail.Value) else answer
    val typed = call.spec.valueType match {
      case VariantType => ParseJson(value, failOnError = false).replacement
      case _ => value
    }
    if (call.spec.isDetail) detailed(answer, typed, call.spec.dataType) else typed
  }

  /** The detail with this value in the place of what the worker handed over. */
  private def detailed(answer: Expression, typed: Expression, dataType: DataType): Expression =
    if (answer.dataType == dataType) answer
    else {
      val fields = answer.dataType.asInstanceOf[StructType].names.zipWithIndex.flatMap {
        case (name, AnswerDetail.Value) => Seq(Literal(name), typed)
        case (name, ordinal) => Seq(Literal(name), GetStructField(answer, ordinal))
      }
      If(IsNull(answer), Literal(null, dataType), CreateNamedStruct(fields.toSeq))
    }

  /** The arguments as the struct that the function is given. */
  def argumentStruct: CreateNamedStruct =
    CreateNamedStruct(arguments.zipWithIndex.flatMap { case (argument, position) =>
      Seq(Literal(s"argument_$position"), argument)
    })

  private def function(rows: Option[BigInt]): PythonUDF =
    functionOf(Function, argumentStruct, resultType, asking ++ rows.map("rows" -> _))

  /**
   * Another function about the same calls.
   *
   * @param name of its class, `module.Class`
   * @param struct the arguments
   * @param more what its JSON holds beside the calls
   */
  def functionOf(
      name: String, struct: Expression, result: StructType, more: Map[String, Any]): PythonUDF = {
    val command = PythonPickle.command(name, json(more), ReadType, result.json)
    val arrow = PythonUDF(
      LLMFunction.Name,
      pythonFunction(command),
      result,
      Seq(struct),
      ArrowIterator,
      udfDeterministic = true)
    if (PythonUDF.isScalarPythonUDF(arrow)) arrow
    else arrow.copy(evalType = PythonEvalType.SQL_SCALAR_PANDAS_ITER_UDF)
  }

  /** The calls as JSON; `arguments` and `guard` are positions in the struct. */
  def json(more: Map[String, Any]): String = {
    lazy val columns = new PythonEvaluation(calls.map(_.unguarded)).arguments
    val entries = calls.zip(inputs).map { case (call, inputs) =>
      def position(argument: Expression) = arguments.indexWhere(_.semanticEquals(argument))
      call.spec.entries + ("arguments" -> inputs.take(call.arguments.size).map(position)) ++
        call.guard.map("guard" -> position(_)) ++ order.map("order" -> ordered(call, _, columns))
    }
    val zone = SQLConf.get.sessionLocalTimeZone
    CallJson(more ++ Map[String, Any]("calls" -> entries, "time_zone" -> zone))
  }
}

object PythonEvaluation {

  /** The names of a call's columns in this order of all columns. */
  private def ordered(call: LLMCall, order: Seq[Int], columns: Seq[Expression]): Seq[String] = {
    val place = order.zipWithIndex.toMap
    call.spec.columns.zip(call.arguments).sortBy { case (_, argument) =>
      place.getOrElse(columns.indexWhere(_.semanticEquals(argument)), -1)
    }.map(_._1)
  }

  /** A computed argument is NULL where its call isn't asked, as it may be an error there. */
  private def whereAsked(argument: Expression, guard: Option[Expression]): Expression =
    guard match {
      case Some(asked) if GuardLLMCalls.mayFail(argument) =>
        If(asked, argument, Literal(null, argument.dataType))
      case _ => argument
    }

  /** Called with an iterator over batches of one struct column; yields batches of results. */
  private val Function = "sparkllm.worker.udf.CallFunction"

  /** Makes a Python data type of its JSON form. */
  private val ReadType = "pyspark.sql.types._parse_datatype_json_string"

  /** `PythonEvalType.SQL_SCALAR_ARROW_ITER_UDF`, which Spark 4.0 does not have yet. */
  private val ArrowIterator = 251

  /** The type in which an answer comes: Python hands variants over as JSON text. */
  private def carried(spec: CallSpec): DataType = {
    val value = if (spec.valueType == VariantType) StringType else spec.valueType
    if (spec.carriesDetail) AnswerDetail.of(value) else value
  }

  /** Spark adds to the map of environment variables, so each function has its own. */
  private def pythonFunction(command: Array[Byte]): SimplePythonFunction = {
    val environment = new JavaMap[String, String]()
    SparkEnv.get.conf.getExecutorEnv.foreach { case (name, value) => environment.put(name, value) }
    val python = PythonInterpreter.executable
    new SimplePythonFunction(
      command,
      environment,
      Collections.emptyList(),
      python,
      PythonInterpreter.version(python),
      Collections.emptyList(),
      null)
  }
}
