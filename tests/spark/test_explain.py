"""`sparkllm.explain`, `EXPLAIN` and `EXPLAIN COST`: what calls will take, without making any."""

import re
from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

import sparkllm

IMPLEMENTATION = "spark.sparkllm.engine.implementation"
FIELDS = "product, review"


@pytest.fixture(scope="module")
def counted(spark: SparkSession) -> Iterator[SparkSession]:
    """The session with an engine that counts tokens and cached ones as the real one does."""
    before = spark.conf.get(IMPLEMENTATION)
    spark.conf.set(IMPLEMENTATION, "benchmarks.instant_engine:CacheEngine")
    spark.conf.set("spark.sparkllm.price.input", "2")
    spark.range(0, 3000, 1, 2).selectExpr(
        "id",
        "concat('a product made of wood and glass, number ', id * id % 97) AS product",
        "concat(repeat('very ', cast(id % 9 AS INT)), 'good ', id % 2000) AS review",
    ).write.mode("overwrite").saveAsTable("explained")
    yield spark
    spark.sql("DROP TABLE explained")
    spark.conf.unset("spark.sparkllm.price.input")
    spark.conf.set(IMPLEMENTATION, before)


def plan(spark: SparkSession, command: str, query: str) -> str:
    return str(spark.sql(f"{command} {query}").head()[0])


@pytest.mark.parametrize("order", ["asWritten", "perQuery"])
def test_estimates_are_near_what_is_counted(counted: SparkSession, order: str) -> None:
    counted.conf.set("spark.sparkllm.optimizer.columnOrder", order)
    try:
        # Labels of its own, so that neither the store nor the cache knows the prompts yet.
        query = counted.sql(
            f"SELECT llm('classify', {FIELDS}, labels => array('{order}', 'other')) FROM explained"
        )
        before = sparkllm.usage(counted).session.calls
        (told,) = sparkllm.explain(query).operators
        assert sparkllm.usage(counted).session.calls == before
        (analyzed,) = sparkllm.explain(query, analyze=True).operators
    finally:
        counted.conf.unset("spark.sparkllm.optimizer.columnOrder")
    assert told.estimate
    assert analyzed.actual
    assert told.estimate.rows == analyzed.actual.rows == 3000
    for name in ("distinct", "prompt_tokens", "cached_tokens", "money"):
        expected = getattr(analyzed.actual, name)
        assert getattr(told.estimate, name) == pytest.approx(expected, rel=0.15), name
    assert "estimated          actual" in str(analyzed)


def test_a_condition_on_an_answer_is_taken_to_hold(counted: SparkSession) -> None:
    query = counted.sql(
        "SELECT llm('Name it', product) AS n, llm('Sum it up', llm('Name it', review)) AS m "
        "FROM explained WHERE llm('filter', review, instruction => 'is it good?') AND id < 50"
    )
    explained = sparkllm.explain(query)
    first, *_, last = explained.operators
    assert first.estimate
    assert first.estimate.rows == 50
    assert last.estimate is None
    assert "≤" in str(explained)
    assert "answers of other calls" in str(explained)


def test_explain_names_layout_order_and_rules(counted: SparkSession) -> None:
    query = f"SELECT CASE WHEN id < 9 THEN llm('classify', {FIELDS}) END AS s FROM explained"
    text = plan(counted, "EXPLAIN", f"{query} LIMIT 3")
    assert "instruction first, fields as written, rules guards, limitFirst" in text
    counted.conf.set("spark.sparkllm.optimizer.columnOrder", "perQuery")
    try:
        assert "order of fields decided at run time" in plan(counted, "EXPLAIN", query)
    finally:
        counted.conf.unset("spark.sparkllm.optimizer.columnOrder")


def test_explain_cost_takes_statistics(counted: SparkSession) -> None:
    counted.sql(f"ANALYZE TABLE explained COMPUTE STATISTICS FOR COLUMNS {FIELDS}")
    query = f"SELECT llm('classify', {FIELDS}) AS s FROM explained"
    (told,) = re.findall(r"calls\((.*)\)", plan(counted, "EXPLAIN COST", query))
    plain = re.sub(r"(\d),(\d)", r"\1\2", told)
    numbers = {
        name: float(number) for name, number in re.findall(r"([a-z][a-z ]+) ([\d.]+)", plain)
    }
    assert numbers["rows"] == 3000
    assert numbers["distinct inputs"] == pytest.approx(3000, rel=0.15)
    (explained,) = sparkllm.explain(counted.sql(query)).operators
    assert explained.estimate
    assert numbers["prompt tokens"] == pytest.approx(explained.estimate.prompt_tokens, rel=0.15)
    assert numbers["from cache"] == pytest.approx(explained.estimate.cached_tokens, rel=0.25)
    counted.conf.set("spark.sparkllm.optimizer.columnOrder", "perQuery")
    try:
        assert "fields product, review" in plan(counted, "EXPLAIN", query)
    finally:
        counted.conf.unset("spark.sparkllm.optimizer.columnOrder")


def test_a_query_without_calls_says_so(spark: SparkSession) -> None:
    assert str(sparkllm.explain(spark.range(3).toDF("id"))) == "the query makes no call"
