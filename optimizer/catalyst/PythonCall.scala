package org.apache.spark.sql.sparkllm

import java.util.{Collections, HashMap => JavaMap}

import org.apache.spark.SparkEnv
import org.apache.spark.api.python.{PythonEvalType, SimplePythonFunction}
import org.apache.spark.sql.catalyst.expressions.{CreateNamedStruct, Expression, Literal, PythonUDF}
import org.apache.spark.sql.types.DataType

/** The expression that has a Python worker answer a call. */
object PythonCall {

  /** Called with an iterator over batches of one struct column; yields batches of answers. */
  private val Function = "sparkllm.worker.udf.CallFunction"
  private val ReturnType = "pyspark.sql.types.StringType"

  /** `PythonEvalType.SQL_SCALAR_ARROW_ITER_UDF`, which Spark 4.0 does not have yet. */
  private val ArrowIterator = 251

  /**
   * An iterator UDF on one struct of the columns: a struct is the only form in which their names
   * reach the worker. It takes Arrow arrays, on Spark 4.0 pandas.
   *
   * @param call the call as JSON, the argument of the Python function
   */
  def apply(
      name: String,
      call: String,
      columns: Seq[ArgumentColumn],
      dataType: DataType): Expression = {
    val fields = columns.flatMap(column => Seq(Literal(column.name), column.value))
    val arrow = PythonUDF(
      name,
      function(PythonPickle.command(Function, call, ReturnType)),
      dataType,
      Seq(CreateNamedStruct(fields)),
      ArrowIterator,
      udfDeterministic = true)
    if (PythonUDF.isScalarPythonUDF(arrow)) arrow
    else arrow.copy(evalType = PythonEvalType.SQL_SCALAR_PANDAS_ITER_UDF)
  }

  /** Spark adds to the map of environment variables, so each function has its own. */
  private def function(command: Array[Byte]): SimplePythonFunction = {
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
