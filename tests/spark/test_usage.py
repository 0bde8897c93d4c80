"""What queries cost, in Python and in SQL."""

import pytest
from pyspark.sql import SparkSession

import sparkllm


def test_rows_of_nested_calls_count_once_and_their_passes_are_told(spark: SparkSession) -> None:
    spark.range(20, numPartitions=1).selectExpr("concat('nested ', id % 10) AS x").createTempView(
        "nested"
    )
    try:
        spark.sql("SELECT llm('Look again', llm('Look at it', x)) FROM nested").collect()
    finally:
        spark.catalog.dropTempView("nested")
    used = sparkllm.usage(spark).last
    passes = spark.sql(
        "SELECT * FROM sparkllm_usage WHERE pass LIKE '%Look%' ORDER BY int(query) DESC LIMIT 2"
    ).collect()
    assert (used.rows, used.calls, used.reused) == (20, 20, 20)
    assert [(row.rows, row.calls, row.reused, row.errors) for row in passes] == [
        (20, 10, 10, {})
    ] * 2
    assert {row["pass"].split(",")[0] for row in passes} == {"llm('Look at it'", "llm('Look again'"}
    assert sum(row.prompt_tokens for row in passes) == used.prompt_tokens > 0
    assert sum(row.seconds for row in passes) == pytest.approx(used.seconds)
