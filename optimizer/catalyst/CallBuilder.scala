package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.expressions.{Expression, NamedArgumentExpression}

/** Makes the expression of a call out of what was written; wrong use is an analysis exception. */
object CallBuilder {

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
    val names = columns.map(_.name)
    rule match {
      case None => Instruction.check(task, names)
      case Some(known) =>
        known.required.find(!options.contains(_)).foreach { missing =>
          throw LLMAnalysisException.missingOption(known.name, missing)
        }
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
      rule.flatMap(_.definition))
    LLMCall(spec, values)
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
