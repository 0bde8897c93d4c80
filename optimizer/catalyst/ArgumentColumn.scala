package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.catalyst.analysis.TempResolvedColumn
import org.apache.spark.sql.catalyst.expressions._
import org.apache.spark.sql.types.StructType

/** One input of a call: what the prompt calls it, and its value. */
case class ArgumentColumn(name: String, value: Expression)

object ArgumentColumn {

  /**
   * The columns of a call. A struct contributes its fields. An expression without a name of its
   * own is `col1`, `col2`, ... by its position (from 1) among the columns, as in `struct`. A name
   * that is taken already gets the first free suffix from `_2` on.
   */
  def of(arguments: Seq[Expression]): Seq[ArgumentColumn] =
    arguments.flatMap(fieldsOf).foldLeft(Vector.empty[ArgumentColumn]) {
      case (columns, (name, value)) =>
        val wanted = name.getOrElse(s"col${columns.size + 1}")
        columns :+ ArgumentColumn(unused(wanted, columns.map(_.name).toSet), value)
    }

  private def fieldsOf(argument: Expression): Seq[(Option[String], Expression)] = argument match {
    case Alias(child: CreateNamedStruct, _) => fieldsOf(child)
    case struct: CreateNamedStruct =>
      struct.names.map(_.toString).map(Option(_)).zip(struct.valExprs.map(unaliased))
    case _ =>
      argument.dataType match {
        case StructType(fields) =>
          fields.toSeq.zipWithIndex.map { case (field, ordinal) =>
            Some(field.name) -> GetStructField(unaliased(argument), ordinal, Some(field.name))
          }
        case _ => Seq(nameOf(argument) -> unaliased(argument))
      }
  }

  private def nameOf(expression: Expression): Option[String] = expression match {
    case named: NamedExpression => Some(named.name)
    case field: GetStructField => Some(field.extractFieldName)
    case field: GetArrayStructFields => Some(field.field.name)
    case cast: Cast => nameOf(cast.child)
    case column: TempResolvedColumn => nameOf(column.child) // of HAVING and ORDER BY
    case _ => None
  }

  private def unaliased(expression: Expression): Expression = expression match {
    case Alias(child, _) => child
    case other => other
  }

  private def unused(wanted: String, taken: Set[String]): String =
    if (!taken(wanted)) wanted
    else Iterator.from(2).map(n => s"${wanted}_$n").filterNot(taken).next()
}
