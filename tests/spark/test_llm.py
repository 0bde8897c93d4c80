"""`llm` as users call it, through real Spark and a real engine process with known answers."""

from collections.abc import Iterator

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sql

import sparkllm
from sparkllm.configuration import ENGINE_IMPLEMENTATION, MODEL
from sparkllm.functions import llm
from sparkllm.ledger import Usage
from tests.engines import digest

_CLASSIFY = "Classify the input. Answer with one of these labels:\n"


def _answers(frame: DataFrame) -> list[str | None]:
    return [row[0] for row in frame.collect()]


def _classified(name: str, value: str, labels: str = "- positive\n- negative\n- neutral") -> str:
    return digest(f'{_CLASSIFY}{labels}\n\n{name}: "{value}"\n')


@pytest.fixture
def table(spark: SparkSession) -> DataFrame:
    rows = [
        (1, "good", "lamp"),
        (2, "bad", "cup"),
        (3, None, "pen"),
        (4, "", None),
        (5, "bad", "pen"),
    ]
    frame = spark.createDataFrame(rows, "id INT, review STRING, product STRING").coalesce(1)
    frame.createOrReplaceTempView("t")
    return frame


def test_sql_answers_every_row_in_order(spark: SparkSession, table: DataFrame) -> None:
    answers = _answers(spark.sql("SELECT llm('classify', review) FROM t"))
    assert answers == [
        _classified("review", "good"),
        _classified("review", "bad"),
        None,
        _classified("review", ""),
        _classified("review", "bad"),
    ]


def test_the_dataframe_api_gives_the_answers_of_sql(spark: SparkSession, table: DataFrame) -> None:
    pairs = [
        ("llm('classify', review)", llm("classify", "review")),
        (
            "llm('classify', review, map('labels', array('a', 'b')))",
            llm("classify", "review", labels=["a", "b"]),
        ),
        (
            "llm('Is {review} about {product}?', review, product)",
            llm("Is {review} about {product}?", "review", sql.col("product")),
        ),
        ("llm('Look at this', struct(id, review))", llm("Look at this", "id", "review")),
    ]
    for text, column in pairs:
        in_sql = _answers(spark.sql(f"SELECT {text} FROM t"))
        assert in_sql == _answers(table.select(column))
        assert len(set(in_sql)) > 1


def test_labels_reach_the_prompt(table: DataFrame) -> None:
    answer = table.where("id = 1").select(llm("classify", "review", labels=["a", "b"])).first()
    assert answer is not None
    assert answer[0] == _classified("review", "good", "- a\n- b")


def test_null_makes_no_call_and_a_row_with_some_value_does(
    spark: SparkSession, table: DataFrame
) -> None:
    answers = _answers(table.where("id IN (3, 4)").select(llm("Look at it", "review", "product")))
    assert None not in answers
    all_null = table.selectExpr("CAST(NULL AS STRING) AS a", "CAST(NULL AS INT) AS b").limit(1)
    all_null = all_null.select(llm("Look at it", "a", "b"))
    assert _answers(all_null) == [None]
    assert sparkllm.usage(spark).last.calls == 0


def test_equal_rows_make_one_call_however_many_tasks_and_windows(spark: SparkSession) -> None:
    frame = spark.range(10_000, numPartitions=4).selectExpr("id", "concat('dup ', id % 500) AS x")
    answered = frame.select("id", "x", llm("classify", "x").alias("answer")).collect()
    assert [row.id for row in answered] == list(range(10_000))
    assert all(row.answer == _classified("x", row.x) for row in answered)
    used = sparkllm.usage(spark).last
    assert used.rows == 10_000
    assert used.calls <= 500


def test_windows_smaller_than_a_batch_keep_the_order(spark: SparkSession) -> None:
    spark.conf.set("spark.sparkllm.worker.windowRows", "7")
    try:
        frame = spark.range(100, numPartitions=2).selectExpr("concat('w', id) AS x")
        answered = frame.select("x", llm("classify", "x").alias("answer")).collect()
    finally:
        spark.conf.unset("spark.sparkllm.worker.windowRows")
    assert [row.x for row in answered] == [f"w{number}" for number in range(100)]
    assert all(row.answer == _classified("x", row.x) for row in answered)


def test_a_row_that_ends_in_an_error_is_null_and_the_others_are_answered(
    spark: SparkSession,
) -> None:
    rows = [("fine",), ("this is too long",), ("fine too",)]
    frame = spark.createDataFrame(rows, "x STRING").coalesce(1)
    answers = _answers(frame.select(llm("classify", "x")))
    assert answers == [_classified("x", "fine"), None, _classified("x", "fine too")]
    assert sparkllm.usage(spark).last.errors == {"OVERFLOW": 1}


def test_numbers_dates_and_nested_values_are_arguments_too(spark: SparkSession) -> None:
    frame = spark.sql(
        "SELECT 1 AS n, DATE'2024-02-29' AS d, 1.50BD AS p, array('a') AS a, map('k', 1) AS m, "
        "CAST(NULL AS INT) AS z"
    )
    answer = _answers(frame.select(llm("Look at it", *frame.columns)))
    lines = 'n: 1\nd: "2024-02-29"\np: 1.50\na: ["a"]\nm: {"k": 1}\nz: null\n'
    assert answer == [digest("Look at it\n\n" + lines)]


def test_an_empty_table_gives_an_empty_result(spark: SparkSession, table: DataFrame) -> None:
    assert _answers(table.where("id > 99").select(llm("classify", "review"))) == []


def test_usage_counts_rows_calls_and_tokens(spark: SparkSession) -> None:
    frame = spark.createDataFrame([("u1",), ("u2",), ("u1",), (None,)], "x STRING").coalesce(1)
    frame.select(llm("Count this one", "x")).collect()
    used = sparkllm.usage(spark).last
    tokens = 5  # words of: Count this one x: "u1"
    assert (used.rows, used.distinct, used.calls) == (4, 2, 2)
    assert (used.prompt_tokens, used.output_tokens, used.errors) == (2 * tokens, 2, {})
    assert isinstance(sparkllm.usage(spark).session, Usage)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("llm('clasify', review)", "unknown task 'clasify'"),
        ("llm('Is {revew} good?', review)", "names {revew}, but the columns are review"),
        (
            "llm('classify', review, map('lables', array('a')))",
            "task classify has no option lables",
        ),
    ],
)
def test_a_wrong_call_says_what_is_wrong(
    spark: SparkSession, table: DataFrame, call: str, says: str
) -> None:
    with pytest.raises(PySparkException) as caught:
        spark.sql(f"SELECT {call} FROM t").collect()
    assert says in str(caught.value)


@pytest.fixture
def real_engine(spark: SparkSession) -> Iterator[SparkSession]:
    spark.conf.set(ENGINE_IMPLEMENTATION.name, ENGINE_IMPLEMENTATION.default)
    yield spark
    spark.conf.set(ENGINE_IMPLEMENTATION.name, "tests.engines:DigestEngine")
    spark.conf.unset(MODEL.name)


def test_the_model_that_ships_answers_with_one_of_the_labels(real_engine: SparkSession) -> None:
    rows = [("I love it, it works perfectly",), ("Broke after a day, waste of money",), (None,)]
    frame = real_engine.createDataFrame(rows, "review STRING").coalesce(1)
    answers = _answers(frame.select(llm("classify", "review", labels=["positive", "negative"])))
    assert answers == ["positive", "negative", None]


def test_a_row_longer_than_the_context_is_null_and_the_others_are_answered(
    real_engine: SparkSession,
) -> None:
    rows = [("I love it",), ("far too long " * 10_000,), ("Broke after a day",)]
    frame = real_engine.createDataFrame(rows, "review STRING").coalesce(1)
    answers = _answers(frame.select(llm("classify", "review")))
    assert answers[0] is not None
    assert answers[1] is None
    assert answers[2] is not None
    assert sparkllm.usage(real_engine).last.errors == {"OVERFLOW": 1}


def test_a_model_that_does_not_exist_is_one_clear_exception(real_engine: SparkSession) -> None:
    real_engine.conf.set(MODEL.name, "/no/such/model")
    with pytest.raises(PySparkException) as caught:
        real_engine.range(100, numPartitions=4).select(llm("classify", "id")).collect()
    message = str(caught.value)
    assert "/no/such/model" in message
    assert ".log" in message
