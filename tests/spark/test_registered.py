"""`llm` as a plain registered UDF: what works without the Catalyst extension."""

import logging

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

import sparkllm
from sparkllm.sessions import plain_udf
from tests.engines import digest


@pytest.fixture
def plain(spark: SparkSession) -> SparkSession:
    spark.udf.register("plain_llm", plain_udf())
    rows = [("good", "lamp"), ("bad", "cup"), (None, None)]
    frame = spark.createDataFrame(rows, "review STRING, product STRING").coalesce(1)
    frame.createOrReplaceTempView("t")
    return spark


def _answers(session: SparkSession, call: str) -> list[str | None]:
    return [row[0] for row in session.sql(f"SELECT plain_{call} FROM t").collect()]


def test_placeholders_name_the_arguments_in_order(plain: SparkSession) -> None:
    assert _answers(plain, "llm('Is {a} about {b}?', review, product)") == [
        digest('Is "good" about "lamp"?\n'),
        digest('Is "bad" about "cup"?\n'),
        None,
    ]


def test_a_struct_brings_its_names(plain: SparkSession) -> None:
    assert _answers(plain, "llm('Look at it', struct(review, product))")[0] == digest(
        'Look at it\n\nreview: "good"\nproduct: "lamp"\n'
    )


def test_arguments_without_names_are_numbered(plain: SparkSession) -> None:
    head = "Classify the input. Answer with one of these labels:\n- a\n- b\n\n"
    call = "llm('classify', review, map('labels', array('a', 'b')))"
    assert _answers(plain, call)[0] == digest(head + 'col1: "good"\n')


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("llm(review, product)", "must be one text, the same for all rows"),
        ("llm('classify', review, map('lables', 'a'))", "llm has no option lables"),
        ("llm('classify')", "at least one column"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(plain: SparkSession, call: str, says: str) -> None:
    with pytest.raises(PySparkException, match=says):
        _answers(plain, call)


def test_register_takes_the_name_in_its_session_and_says_what_is_missing(
    spark: SparkSession, caplog: pytest.LogCaptureFixture
) -> None:
    session = spark.newSession()
    with caplog.at_level(logging.WARNING, "sparkllm"):
        sparkllm.register(session)
    (record,) = caplog.records
    assert "llm is a plain UDF in this session" in record.getMessage()
    assert "options go into a map as last argument" in record.getMessage()
    head = "Classify the input. Answer with one of these labels:\n- a\n- b\n\n"
    call = "llm('classify', 'good', map('labels', array('a', 'b')))"
    assert [row[0] for row in session.sql(f"SELECT {call}").collect()] == [
        digest(head + 'col1: "good"\n')
    ]
