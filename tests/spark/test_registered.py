"""`llm` as a plain registered UDF: what works without the Catalyst extension."""

import logging

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

import sparkllm
from sparkllm.sessions import plain_functions
from tests.engines import digest


@pytest.fixture
def plain(spark: SparkSession) -> SparkSession:
    for name, function in plain_functions().items():
        spark.udf.register(f"plain_{name}", function)
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
        ("llm('classify', review, map('lables', 'a'))", "task classify has no option lables"),
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


def test_the_siblings_are_plain_functions_too(plain: SparkSession) -> None:
    labels = "- a\n- b"
    head = f"Classify the input. Answer with one of these labels:\n{labels}\n\n"
    queries = {
        "llm_classify('good', array('a', 'b'))": digest(head + 'col1: "good"\n'),
        "llm_classify('good', map('labels', array('a', 'b')))": digest(head + 'col1: "good"\n'),
        "llm_summarize(struct('long' AS x), 9)": digest(
            'Summarize the input in at most 9 words.\n\nx: "long"\n'
        ),
        "llm_filter('Is {x} good?', 'this')": False,  # the engine says neither yes nor no
        "llm_count_tokens('')": 0,
    }
    for call, value in queries.items():
        assert plain.sql(f"SELECT plain_{call}").first()[0] == value, call


def test_what_a_plain_function_cannot_do_is_said(plain: SparkSession) -> None:
    for call, says in {
        "llm('extract', 'x', map('fields', 'a INT'))": "the Catalyst extension",
        "llm_classify('x', map('multi_label', 'true'))": "the Catalyst extension",
        "llm_sentiment('x', array('price'))": "the Catalyst extension",
        "llm_summarize('x', 9, 9)": "takes at most 2 arguments",
    }.items():
        with pytest.raises(PySparkException, match=says):
            plain.sql(f"SELECT plain_{call}").collect()
