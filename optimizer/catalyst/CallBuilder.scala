package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions.{
  Alias, CreateNamedStruct, Expression, Literal, NamedArgumentExpression}
import org.apache.spark.sql.types.ArrayType

/** Makes the expression of a call out of what was written; wrong use is an analysis exception. */
object CallBuilder {

  /** The kinds of answers to one text alone, not to a prompt. */
  private val OfOneText = Set("tokens", "embedding")

  /**
   * A call of a task or an instruction.
   *
   * @param task the name of a task, or an instruction
   * @param inputs the columns
   * @param written the options, by the names that were written
   */
  def call(task: String, inputs: Seq[Expression], written: Seq[(String, Any)]): LLMCall = {
    val rule = TaskRule.named(task)
    val options = CallOptions.checked(written, rule)
    val columns = ArgumentColumn.of(inputs)
    if (columns.isEmpty) {
      throw LLMAnalysisException.noColumns()
    }
    rule.filter(known => OfOneText(known.answer) && columns.size > 1).foreach { known =>
      throw LLMAnalysisException.oneColumn(known.name)
    }
    val names = columns.map(_.name)
    rule match {
      case None => Instruction.check(task, names)
      case Some(reducing) if reducing.reduces => checkGroups(reducing, columns, options)
      case Some(known) =>
        checkRequired(known, options)
        options.get(CallOptions.Instruction).foreach(text =>
          Instruction.checkPlaceholders(text.toString, names))
    }
    val (values, json) = columns.map(column => ArgumentType.sent(column.name, column.value)).unzip
    val spec = CallSpec(
      task,
      names,
      names.zip(json).collect { case (name, true) => name }.toSet,
      options - CallOptions.Returns,
      TaskAnswer.dataType(rule, options),
      rule.exists(_.reduces),
      rule.flatMap(_.definition))
    LLMCall(spec, values)
  }

  /**
   * An aggregate function: a call of a task that reduces groups, on the values of a group.
   *
   * @param function the name of the SQL function
   * @param task the name of the task
   * @param inputs the columns; several make one value, a struct
   * @param written the options, by the names that were written
   */
  def aggregate(
      function: String,
      task: String,
      inputs: Seq[Expression],
      written: Seq[(String, Any)]): LLMAggregate = {
    val (name, value) = ArgumentColumn.of(inputs) match {
      case Seq(column) => column.name -> column.value
      case columns =>
        val fields = columns.flatMap(column => Seq(Literal(column.name), column.value))
        Row -> CreateNamedStruct(fields)
    }
    val (sent, isJson) = ArgumentType.sent(name, value)
    val group = Alias(Literal(null, ArrayType(sent.dataType)), name)()
    val spec = call(task, Seq(group), written).spec
    LLMAggregate(function, spec.copy(json = if (isJson) Set(name) else Set.empty), sent)
  }

  /** What the prompt calls a value of several columns. */
  private val Row = "row"

  private def checkGroups(
      rule: TaskRule, columns: Seq[ArgumentColumn], options: Map[String, Any]): Unit = {
    columns.map(_.value.dataType) match {
      case Seq(_: ArrayType) =>
      case types => throw LLMAnalysisException.notGroups(rule.name, types)
    }
    checkRequired(rule, options)
    options.get(CallOptions.Instruction).foreach(text =>
      Instruction.checkWithoutColumns(rule.name, text.toString))
  }

  private def checkRequired(rule: TaskRule, options: Map[String, Any]): Unit =
    rule.required.find(!options.contains(_)).foreach { missing =>
      throw LLMAnalysisException.missingOption(rule.name, missing)
    }

  /** The named arguments of a function as options, and its other arguments. */
  def split(arguments: Seq[Expression]): (Seq[(String, Any)], Seq[Expression]) = {
    val (named, positional) = arguments.partitionMap {
      case NamedArgumentExpression(name, value) => Left(name -> value)
      case positional => Right(positional)
    }
    (CallOptions.fromNamed(named), positional)
  }
}
