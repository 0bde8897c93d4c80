"""The same functions, answered by a service: `spark.sparkllm.engine.backend=openai`."""

import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

import sparkllm
from sparkllm.functions import llm, llm_embed
from tests.engines import chosen, digest
from tests.remote.chat_server import ChatServer, vector_of
from tests.spark.drivers import Driver
from tests.spark.test_examples import submit

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


def test_store_budget_and_usage_are_those_of_any_engine(
    spark: SparkSession, service: ChatServer, tmp_path: Path
) -> None:
    table = spark.range(100, numPartitions=2).selectExpr("concat('row ', id) AS x")
    query = table.select(llm("classify", "x", labels=["good", "bad"]).alias("answer"))
    properties = {
        "spark.sparkllm.store.path": str(tmp_path / "store"),
        "spark.sparkllm.store.memoryBytes": "0",
        "spark.sparkllm.price.input": "1000",
        "spark.sparkllm.price.cached": "100",
        "spark.sparkllm.price.output": "3000",
    }
    for name, value in properties.items():
        spark.conf.set(name, value)
    answers, usages = [], []
    try:
        for budget in ("40", "0", "0"):
            spark.conf.set("spark.sparkllm.budget.calls", budget)
            answers.append([row.answer for row in query.collect()])
            usages.append(sparkllm.usage(spark).last)
    finally:
        for name in (*properties, "spark.sparkllm.budget.calls"):
            spark.conf.unset(name)
    first, second, third = usages
    complete = [
        chosen(digest(f'{HEAD}x: "row {number}"\n'), ("good", "bad")) for number in range(100)
    ]
    assert answers[1] == answers[2] == complete
    assert sum(answer is not None for answer in answers[0]) == 40
    assert (first.calls, first.refused, first.errors) == (40, 60, {"BUDGET": 60})
    assert (second.calls, second.stored, second.errors) == (60, 40, {})
    assert (third.calls, third.stored) == (0, 100)
    assert first.money == pytest.approx(40 * (4 * 1000 + 16 * 100 + 2 * 3000) / 1e6)
    assert second.saved_money == pytest.approx(first.money)
    assert len(service.attempts) == 100


@pytest.mark.long
@pytest.mark.timeout(600)
def test_two_executors_together_keep_the_rate_of_the_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    rows = 160
    with ChatServer() as server, tempfile.TemporaryDirectory(prefix="slm") as directory:
        driver = Driver(
            "local-cluster[2,1,2048]",
            Path(directory),
            "DigestEngine",
            rows,
            **{
                "spark.sparkllm.engine.backend": "openai",
                "spark.sparkllm.model": "some/model",
                "spark.sparkllm.openai.baseUrl": server.url,
                "spark.sparkllm.openai.requestsPerMinute": "600",
            },
        )
        try:
            driver.hear()
            answered = driver.hear()
            assert len(driver.engines()) == 2
        finally:
            driver.process.kill()
            driver.process.wait()
    assert (answered["calls"], answered["errors"]) == (rows, {})
    assert len(server.arrivals) == rows
    # 60 in any 6 s are three turns of the two together, but two of each for itself.
    assert max(server.arrivals) - min(server.arrivals) > 1.6 * 6


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_batch_job_runs_with_the_properties_of_the_example(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("SPARKLLM_API_TOKEN", TOKEN)
    example = Path(__file__).parents[2] / "sql_examples" / "openai.conf"
    properties, output = tmp_path / "openai.conf", str(tmp_path / "answers.parquet")
    with ChatServer(("429", "500", "garbage", "half"), share=0.3, token=TOKEN) as server:
        properties.write_text(example.read_text().replace("http://localhost:8000/v1", server.url))
        told = submit("batch_job.py", "--output", output, properties=properties)
        asked = len(server.attempts)
        assert sum(server.attempts.values()) > asked
    answers = spark.read.parquet(output).groupBy("answer").count().collect()
    assert sum(row["count"] for row in answers) == 300
    assert {row.answer for row in answers} <= {"positive", "negative", "neutral", None}
    assert f"300 rows · {asked} distinct prompts" in told
    assert TOKEN not in told


def test_spark_redacts_the_token(spark: SparkSession, service: ChatServer) -> None:
    name = "spark.sparkllm.openai.apiToken"
    shown = spark.sql(f"SET {name}").first()
    assert shown is not None
    assert TOKEN not in shown["value"]
    assert TOKEN not in str(spark.sql("SET").collect())
