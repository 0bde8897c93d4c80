package org.apache.spark.sql.sparkllm

import org.apache.spark.sql.types._

/** What `on_error => 'detail'` gives for each row; NULL where no model was asked. */
object AnswerDetail {
  val Value = 0
  val Error = 1

  private val error = StructType(
    Seq(StructField("code", StringType), StructField("message", StringType)))

  private val usage = StructType(
    Seq("prompt_tokens", "cached_tokens", "output_tokens").map(StructField(_, IntegerType)))

  private val cut = ArrayType(
    StructType(Seq(StructField("column", StringType), StructField("characters", IntegerType))))

  /** The type around that of the value. */
  def of(value: DataType): StructType = StructType(
    Seq(
      StructField("value", value),
      StructField("error", error),
      StructField("finish_reason", StringType),
      StructField("usage", usage),
      StructField("cut", cut)))

  val Fields: Int = of(StringType).size
}
