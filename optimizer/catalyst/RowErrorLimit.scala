package org.apache.spark.sql.sparkllm

import org.apache.spark.SparkRuntimeException
import org.apache.spark.sql.catalyst.InternalRow

/**
 * Ends a task when rows of one call end in an error: at the first with `on_error => 'fail'`, or
 * after the last row where more of them did than `max_error_ratio` allows.
 *
 * @param position of the call's answer, with its detail, among the answers
 */
class RowErrorLimit(position: Int, spec: CallSpec) {
  private var rows = 0L
  private var errors = 0L
  private var first = ""

  /** Looks at one row of answers. */
  def see(answers: InternalRow): Unit = {
    rows += 1
    if (!answers.isNullAt(position)) {
      val detail = answers.getStruct(position, AnswerDetail.Fields)
      if (!detail.isNullAt(AnswerDetail.Error)) {
        val error = detail.getStruct(AnswerDetail.Error, 2)
        errors += 1
        if (first.isEmpty) {
          first = s"${error.getUTF8String(0)}: ${error.getUTF8String(1)}"
        }
        if (spec.fails) {
          raise(s"row error $first. To go on with NULL for such rows, leave out on_error => " +
            "'fail'; on_error => 'detail' shows each row's error (docs/errors.md)")
        }
      }
    }
  }

  /** Looks at the task as a whole, after its last row. */
  def end(): Unit = spec.maxErrorRatio.filter(errors > _ * rows).foreach { ratio =>
    raise(s"row errors: $errors of $rows rows, more than max_error_ratio = $ratio allows; the " +
      s"first is $first")
  }

  private def raise(message: String): Nothing =
    throw new SparkRuntimeException("USER_RAISED_EXCEPTION", Map("errorMessage" -> message))
}

object RowErrorLimit {

  /** The rows, each looked at by the limits that these calls have. */
  def watched(
      rows: Iterator[InternalRow],
      specs: Seq[CallSpec],
      answers: InternalRow => InternalRow): Iterator[InternalRow] = {
    val limits = specs.zipWithIndex.collect {
      case (spec, position) if spec.fails || spec.maxErrorRatio.isDefined =>
        new RowErrorLimit(position, spec)
    }
    if (limits.isEmpty) rows else new Iterator[InternalRow] {
      override def hasNext: Boolean = rows.hasNext || { limits.foreach(_.end()); false }

      override def next(): InternalRow = {
        val row = rows.next()
        limits.foreach(_.see(answers(row)))
        row
      }
    }
  }
}
