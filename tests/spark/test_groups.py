"""Aggregate functions that a model answers: `llm_agg` and `llm_summarize_agg`.

`MeanEngine` answers with the mean of the numbers in a prompt; pandas says what that has to be.
"""

import csv
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import sparkllm
from sparkllm.configuration import ENGINE_IMPLEMENTATION
from sparkllm.functions import llm_agg, llm_summarize_agg
from sparkllm.ledger import Usage

_MEAN = "llm_agg(n, 'What is the mean?', chunk_tokens => 60)"


@pytest.fixture(scope="module")
def counting(spark: SparkSession) -> Iterator[SparkSession]:
    spark.conf.set(ENGINE_IMPLEMENTATION.name, "tests.engines:MeanEngine")
    _numbers(spark).createOrReplaceTempView("numbers")
    yield spark
    spark.conf.set(ENGINE_IMPLEMENTATION.name, "tests.engines:DigestEngine")


def _numbers(spark: SparkSession, partitions: int = 3) -> DataFrame:
    """200 numbers in groups of 100, 50, 40 and 10, some of them several times, some NULL."""
    return spark.range(0, 200, 1, partitions).selectExpr(
        "CASE WHEN id < 100 THEN 'a' WHEN id < 150 THEN 'b' WHEN id < 190 THEN 'c' ELSE 'd' END k",
        "CASE WHEN id % 7 <> 0 THEN CAST((id * 37) % 60 AS STRING) END n",
    )


def _means(frame: DataFrame) -> dict[str, str]:
    known = frame.toPandas().dropna()
    return {
        str(key): str(sum(map(Fraction, values)) / len(values))
        for key, values in known.groupby("k")["n"]
    }


def _last(spark: SparkSession) -> Usage:
    return sparkllm.usage(spark).last


def _rows(spark: SparkSession, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in spark.sql(query).collect()]


def test_the_same_prompts_are_asked_for_any_partitioning_and_order(counting: SparkSession) -> None:
    whole = _numbers(counting)
    expected = _means(whole)
    frame = whole.groupBy("k").agg(F.expr(_MEAN).alias("mean"))
    assert {row.k: row.mean for row in frame.collect()} == expected
    used = _last(counting)
    assert (used.rows, used.errors) == (4, {})
    assert used.calls > 8
    for moved in (whole.repartition(7).orderBy(F.desc("n")), _numbers(counting, 1)):
        frame = moved.groupBy("k").agg(F.expr(_MEAN).alias("mean"))
        assert {row.k: row.mean for row in frame.collect()} == expected
        assert (_last(counting).calls, _last(counting).stored) == (0, used.calls)


def test_they_stand_beside_other_aggregates_with_having_filter_and_distinct(
    counting: SparkSession,
) -> None:
    rows = _rows(
        counting,
        f"SELECT k, count(*), {_MEAN} AS m, llm_agg(DISTINCT n, 'What is the mean?') AS d, "
        "llm_agg(n, 'What is the mean?') FILTER (WHERE n < '3') AS f, max(n), count(DISTINCT n) "
        "FROM numbers GROUP BY k HAVING count(*) > 20 AND m <> '0' ORDER BY d",
    )
    known = _numbers(counting).toPandas()
    expected = []
    for key, group in known.groupby("k"):
        values = group["n"].dropna()
        several = [list(values), sorted(set(values)), [value for value in values if value < "3"]]
        means = [str(sum(map(Fraction, some)) / len(some)) for some in several]
        if len(group) > 20:
            expected.append((key, len(group), *means, max(values), values.nunique()))
    assert rows == sorted(expected, key=lambda row: str(row[3]))


def test_only_the_groups_that_are_needed_are_asked(counting: SparkSession) -> None:
    call = "llm_summarize_agg(n, max_words => {})"
    for words, query, groups in (
        (1, "SELECT k, {} FROM numbers GROUP BY k HAVING count(*) > 45", 2),
        (2, "SELECT * FROM (SELECT k, {} FROM numbers GROUP BY k) WHERE k = 'd'", 1),
        (3, "SELECT k, {} FROM numbers GROUP BY k ORDER BY count(*) LIMIT 1", 1),
        (4, "SELECT CASE WHEN count(*) > 45 THEN {} END FROM numbers GROUP BY k", 2),
        (5, "SELECT k FROM (SELECT k, {} FROM numbers GROUP BY k)", 0),
    ):
        before = sparkllm.usage(counting).session.calls
        _rows(counting, query.format(call.format(words)))
        assert sparkllm.usage(counting).session.calls - before == groups, query


def test_groups_without_a_text_are_null_and_ask_nothing(counting: SparkSession) -> None:
    assert _rows(counting, f"SELECT {_MEAN}, count(*) FROM numbers WHERE false") == [(None, 0)]
    nulls = "FROM numbers WHERE n IS NULL AND k = 'd' GROUP BY k"
    assert _rows(counting, f"SELECT k, {_MEAN} {nulls}") == [("d", None)]
    assert _last(counting).calls == 0


def test_an_error_of_one_prompt_is_that_of_its_group_alone(counting: SparkSession) -> None:
    source = "(SELECT k, n FROM numbers UNION ALL SELECT 'c', '777')"
    detailed = _MEAN.replace(")", ", on_error => 'detail')")
    details = f"SELECT k, {detailed} AS d FROM {source} GROUP BY k"
    rows = _rows(counting, f"SELECT k, d.* FROM ({details})")
    values = {row[0]: row[1] for row in rows}
    expected = _means(_numbers(counting))
    assert values == {**expected, "c": None}
    [error] = [row[2] for row in rows if row[2]]
    assert error.code == "TRUNCATED"
    assert error.message.startswith("part ")
    assert _last(counting).errors == {"TRUNCATED": 1}
    failing = _MEAN.replace(")", ", on_error => 'fail')")
    with pytest.raises(PySparkException, match="row error TRUNCATED: part"):
        _rows(counting, f"SELECT {failing} FROM {source}")


def test_the_answer_has_the_type_that_is_asked_for(counting: SparkSession) -> None:
    call = _MEAN.replace(")", ", returns => 'INT')")
    numbers = "(SELECT string(id) AS n FROM range(100, 141))"
    assert _rows(counting, f"SELECT {call} + 1 FROM {numbers}") == [(121,)]


def test_the_dataframe_api_makes_the_same_call(counting: SparkSession) -> None:
    frame = counting.table("numbers")
    mean = llm_agg("n", "What is the mean?", chunk_tokens=60)
    rows = frame.groupBy("k").agg(mean.alias("m"), F.count("*").alias("c")).collect()
    assert {row.k: row.m for row in rows} == _means(frame)
    assert frame.select(llm_summarize_agg(F.col("n"), 9)).first() is not None


def test_a_preview_shows_the_first_prompts_of_groups(counting: SparkSession) -> None:
    call = "llm_agg(n, 'Look before', chunk_tokens => 60)"
    frame = counting.sql(f"SELECT k, {call} FROM numbers GROUP BY k")
    [shown] = sparkllm.preview(frame).calls
    assert shown.prompts[0].text.startswith(
        "Look before\nGive one answer for all of the input.\n\n"
    )
    assert shown.window > 4


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (
            f"SELECT {_MEAN} OVER (PARTITION BY k) FROM numbers",
            "[LLM_CALL.WINDOW] llm_agg can't be used with OVER",
        ),
        ("SELECT llm_agg(n) FROM numbers", "task agg needs the option instruction"),
        (
            "SELECT llm_agg(n, 'Is {n} it?') FROM numbers",
            "is for a whole group: leave out",
        ),
        (
            "SELECT llm_agg(n, k) FROM numbers GROUP BY k",
            "option instruction of llm must be",
        ),
        ("SELECT llm('agg', n, instruction => 'a b') FROM numbers", "an ARRAY of a group's values"),
        ("SELECT llm_summarize_agg(n, 'short') FROM numbers", "a whole number is wanted"),
    ],
)
def test_wrong_use_is_an_error_of_the_analyzer(
    counting: SparkSession, query: str, says: str
) -> None:
    with pytest.raises(PySparkException) as caught:
        counting.sql(query)
    assert says in str(caught.value)


def _summary(spark: SparkSession, reviews: list[str], partitions: int, **options: Any) -> str:
    frame = spark.createDataFrame([(text,) for text in reviews], ["review"]).repartition(partitions)
    row = frame.agg(llm_summarize_agg("review", 20, **options).alias("s")).first()
    assert row is not None
    return str(row.s)


@pytest.fixture
def shipped(spark: SparkSession) -> Iterator[SparkSession]:
    before = spark.conf.get(ENGINE_IMPLEMENTATION.name)
    spark.conf.set(ENGINE_IMPLEMENTATION.name, ENGINE_IMPLEMENTATION.default)
    yield spark
    spark.conf.set(ENGINE_IMPLEMENTATION.name, before)


def _reviews(file: Path) -> list[str]:
    with file.open(newline="") as rows:
        return [row["review"] for row in csv.DictReader(rows)]


def test_the_model_that_ships_summarises_a_group_larger_than_a_prompt(
    shipped: SparkSession, reviews: Path
) -> None:
    texts = _reviews(reviews)[:40]
    summary = _summary(shipped, texts, 2, chunk_tokens=300)
    used = _last(shipped)
    assert summary not in ("", "None")
    assert used.calls > 3
    assert _summary(shipped, texts[::-1], 3, chunk_tokens=300) == summary
    assert _last(shipped).calls == 0


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_five_thousand_reviews_are_summarised_within_a_context_of_2048_tokens(
    shipped: SparkSession, reviews: Path
) -> None:
    texts = _reviews(reviews)
    several = [f"{first} {second}" for first in texts for second in texts if first != second]
    summary = _summary(shipped, several[:5000], 2)
    used = _last(shipped)
    assert summary not in ("", "None")
    assert (used.rows, used.errors) == (1, {})
    assert used.prompt_tokens > 50 * 2048
    assert used.prompt_tokens / used.calls < 2048
    assert _summary(shipped, several[4999::-1], 5) == summary
    assert _last(shipped).calls == 0
