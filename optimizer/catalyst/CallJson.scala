package org.apache.spark.sql.sparkllm

/**
 * A call as JSON text, byte for byte what Python's `json.dumps(..., sort_keys=True,
 * ensure_ascii=False)` writes for the same texts, whole numbers and containers, so that equal
 * calls are equal texts whichever side wrote them.
 */
object CallJson {
  def apply(value: Any): String = value match {
    case null => "null"
    case text: String => quoted(text)
    case flag: Boolean => flag.toString
    case number: java.math.BigDecimal => number.toPlainString
    case number: Number => number.toString
    case entries: scala.collection.Map[_, _] =>
      entries.toSeq
        .map { case (name, entry) => name.toString -> entry }
        .sortBy(_._1)
        .map { case (name, entry) => s"${quoted(name)}: ${apply(entry)}" }
        .mkString("{", ", ", "}")
    case items: scala.collection.Seq[_] => items.map(apply).mkString("[", ", ", "]")
    case other => throw LLMAnalysisException.unsupportedValue(other)
  }

  private def quoted(text: String): String = text.flatMap {
    case '"' => "\\\""
    case '\\' => "\\\\"
    case '\n' => "\\n"
    case '\r' => "\\r"
    case '\t' => "\\t"
    case '\b' => "\\b"
    case '\f' => "\\f"
    case control if control < ' ' => f"\\u${control.toInt}%04x"
    case other => other.toString
  }.mkString("\"", "", "\"")
}
