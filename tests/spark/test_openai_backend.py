"""The same functions, answered by a service: `spark.sparkllm.engine.backend=openai`."""

import logging
from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

import sparkllm
from sparkllm.functions import llm, llm_embed
from tests.engines import chosen, digest
from tests.remote.chat_server import ChatServer, vector_of

pytestmark = pytest.mark.timeout(300)

HEAD = "Classify the input. Answer with one of these labels:\n- good\n- bad\n\n"
TOKEN = "sk-never-to-be-seen"


@pytest.fixture
def service(spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    """A service that fails three of ten attempts, and the session set to use it."""
    faults = ("429", "500", "garbage", "half")
    with ChatServer(faults, share=0.3, token=TOKEN) as server:
        properties = {
            "spark.sparkllm.engine.backend": "openai",
            "spark.sparkllm.model": "some/model",
            "spark.sparkllm.openai.baseUrl": server.url,
            "spark.sparkllm.openai.apiToken": TOKEN,
            "spark.sparkllm.openai.maxAttempts": "20",
            "spark.sparkllm.openai.requestsPerMinute": "100000",
        }
        for name, value in properties.items():
            spark.conf.set(name, value)
        yield server
        for name in properties:
            spark.conf.unset(name)


def test_rows_are_answered_in_their_order_and_counted(
    spark: SparkSession, service: ChatServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    table = spark.range(120, numPartitions=3).selectExpr("id", "concat('row ', id % 100) AS x")
    answered = table.select("id", llm("classify", "x", labels=["good", "bad"]).alias("answer"))
    rows = [(row.id, row.answer) for row in answered.collect()]
    expected = [
        (number, chosen(digest(f'{HEAD}x: "row {number % 100}"\n'), ("good", "bad")))
        for number in range(120)
    ]
    assert rows == expected
    spent = sparkllm.usage(spark).last
    assert (spent.rows, spent.calls, spent.errors) == (120, 100, {})
    assert (spent.prompt_tokens, spent.cached_tokens) == (100 * 20, 100 * 16)
    assert sum(service.attempts.values()) > 100
    plan = answered._jdf.queryExecution().toString()  # type: ignore[operator]
    assert TOKEN not in plan + caplog.text


def test_an_answer_outside_the_labels_is_an_error_of_its_row(
    spark: SparkSession, service: ChatServer
) -> None:
    table = spark.createDataFrame([("fine",), ("stray",)], "x STRING").coalesce(1)
    detail = llm("classify", "x", labels=["good", "bad"], on_error="detail").alias("d")
    fine, stray = [row.d for row in table.select(detail).collect()]
    assert fine.error is None
    assert (stray.value, stray.error.code) == (None, "INVALID_ANSWER")


def test_embeddings_come_from_the_model_that_is_named_for_them(
    spark: SparkSession, service: ChatServer
) -> None:
    table = spark.createDataFrame([("a",), ("b",), ("a",)], "x STRING").coalesce(1)
    with pytest.raises(Exception, match=r"set spark\.sparkllm\.embedding\.model"):
        table.select(llm_embed("x")).collect()
    a, b, again = (row[0] for row in table.select(llm_embed("x", "some/embedder")).collect())
    length = sum(number * number for number in vector_of("a")) ** 0.5
    assert a == again == pytest.approx([number / length for number in vector_of("a")])
    assert a != b


def test_spark_redacts_the_token(spark: SparkSession, service: ChatServer) -> None:
    name = "spark.sparkllm.openai.apiToken"
    shown = spark.sql(f"SET {name}").first()
    assert shown is not None
    assert TOKEN not in shown["value"]
    assert TOKEN not in str(spark.sql("SET").collect())
