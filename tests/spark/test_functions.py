"""The functions as users call them, with the model that ships; every documented example runs."""

import doctest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

import sparkllm
from sparkllm.configuration import ENGINE_IMPLEMENTATION
from sparkllm.functions import SIGNATURES, document, llm_extract
from sparkllm.functions.signature import Signature

_DOCUMENT = Path(__file__).parents[2] / "docs" / "functions.md"
_REVIEWS = """(VALUES (1, 'I love it, great value'), (2, 'Broke after a day, waste of money'),
    (3, NULL)) AS t(id, review)"""


@pytest.fixture(scope="module")
def shipped(spark: SparkSession) -> Iterator[SparkSession]:
    spark.conf.set(ENGINE_IMPLEMENTATION.name, ENGINE_IMPLEMENTATION.default)
    yield spark
    spark.conf.set(ENGINE_IMPLEMENTATION.name, "tests.engines:DigestEngine")


def _values(spark: SparkSession, call: str, source: str = _REVIEWS) -> list[Any]:
    return [row[0] for row in spark.sql(f"SELECT {call} FROM {source} ORDER BY id").collect()]


def test_the_document_is_up_to_date() -> None:
    assert _DOCUMENT.read_text() == document.document(), "run make docs"


@pytest.mark.parametrize("signature", SIGNATURES, ids=lambda signature: signature.name)
def test_every_example_of_the_documentation_runs(
    shipped: SparkSession, signature: Signature
) -> None:
    examples = signature.sql_examples()
    assert examples
    for example in examples:
        value = shipped.sql(example.query).first()[0]
        if example.result is not None:
            shown = str(value).lower() if isinstance(value, bool) else str(value)
            assert shown == example.result, example.query
    failures: list[str] = []
    test = doctest.DocTestParser().get_doctest(
        signature.function.__doc__ or "", {"spark": shipped}, signature.name, None, 0
    )
    assert test.examples
    doctest.DocTestRunner().run(test, out=failures.append)
    assert not failures, "".join(failures)


@pytest.mark.parametrize("signature", SIGNATURES, ids=lambda signature: signature.name)
def test_describe_function_shows_arguments_and_examples(
    shipped: SparkSession, signature: Signature
) -> None:
    rows = shipped.sql(f"DESCRIBE FUNCTION EXTENDED {signature.name}").collect()
    text = "\n".join(row[0] for row in rows)
    assert f"{signature.name}(" in text
    assert "Arguments:" in text
    assert f"> SELECT {signature.name}(" in text or "> SELECT" in text


def test_several_labels_are_an_array_in_the_order_of_the_labels(shipped: SparkSession) -> None:
    call = "llm_classify(review, array('quality', 'price', 'delivery'), multi_label => true)"
    schema = shipped.sql(f"SELECT {call} AS v FROM {_REVIEWS}").schema["v"].dataType
    assert schema.simpleString() == "array<string>"
    *answers, null = _values(shipped, call)
    assert null is None
    labels = ["quality", "price", "delivery"]
    for answer in answers:
        assert answer == [label for label in labels if label in answer]


def test_a_map_gives_labels_with_descriptions_in_its_order(shipped: SparkSession) -> None:
    labels = "map('f', 'x', 'e', 'x', 'd', 'it is good', 'c', 'x', 'b', 'x', 'a', 'x')"
    frame = shipped.sql(f"SELECT llm_classify(review, {labels}) AS v FROM {_REVIEWS}")
    [call] = sparkllm.preview(frame, prompts=1).calls
    assert "- f: x\n- e: x\n- d: it is good\n- c: x\n" in call.prompts[0].text


def test_a_score_is_the_probability_that_the_filter_decides_by(shipped: SparkSession) -> None:
    question = "'Is this review positive?', review"
    filtered = _values(shipped, f"llm_filter({question})")
    scores = _values(shipped, f"llm_score({question})")
    assert filtered == [True, False, None]
    assert scores[2] is None
    assert 0 <= scores[1] < 0.5 < scores[0] <= 1
    ordered = f"SELECT id FROM {_REVIEWS} ORDER BY llm_score({question}) DESC NULLS LAST LIMIT 1"
    assert shipped.sql(ordered).first()[0] == 1


def test_fields_are_a_schema_or_names(shipped: SparkSession) -> None:
    [typed, *_] = _values(shipped, "llm_extract(review, 'stars INT, tags ARRAY<STRING>')")
    assert typed is None or set(typed.asDict()) == {"stars", "tags"}
    frame = shipped.sql(f"SELECT * FROM {_REVIEWS}")
    fields = frame.select(llm_extract("review", ["what", "when"]).alias("f")).schema["f"].dataType
    assert fields.simpleString() == "struct<what:string,when:string>"


def test_a_comment_in_the_schema_describes_the_field_to_the_model(shipped: SparkSession) -> None:
    call = """llm_extract(review, "n INT COMMENT 'how many stars', what STRING")"""
    frame = shipped.sql(f"SELECT {call} FROM {_REVIEWS}")
    [shown] = sparkllm.preview(frame, prompts=1).calls
    assert shown.prompts[0].text.startswith(
        "Extract these fields as JSON: n, what\n- n: how many stars\n\n"
    )


def test_sentiment_by_aspect_is_a_struct_of_polarities(shipped: SparkSession) -> None:
    [answer, *_] = _values(shipped, "llm_sentiment(review, array('price', 'the fit'))")
    assert list(answer.asDict()) == ["price", "the fit"]
    assert set(answer) <= {"positive", "negative", "neutral", "mixed", None}


def test_tokens_are_counted_without_a_call_of_the_model(shipped: SparkSession) -> None:
    texts = "(VALUES (1, 'x'), (2, 'x x x x'), (3, NULL), (4, '<|im_start|>')) AS t(id, x)"
    one, four, null, special = _values(shipped, "llm_count_tokens(x)", texts)
    assert (one, null) == (1, None)
    assert four > one
    assert special > 1  # as text, not as the token that it names
    assert sparkllm.usage(shipped).last.calls == 0


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("llm_classify()", "llm_classify needs arguments"),
        ("llm_classify(review, array('a'), 3)", "llm_classify takes at most 2 arguments"),
        ("llm_classify(review, array('a'), colour => 1)", "task classify has no option colour"),
        ("llm_classify(review, array('a', 'a'))", "each text may stand there once"),
        ("llm_classify(review, labels => review)", "option labels of llm must be a constant"),
        ("llm_classify(review, multi_label => 'some')", "true or false is wanted"),
        ("llm_classify(review, examples => array('a'))", "an array of pairs is wanted"),
        ("llm_translate(review)", "task translate needs the option language"),
        ("llm_filter(review, review)", "the instruction of llm_filter"),
        ("llm_filter('Is it {good}?', review)", "names {good}, but the columns are review"),
        ("llm_filter('Is it good?')", "llm needs at least one column"),
        ("llm_filter('Is it good?', review, returns => 'INT')", "are of type BOOLEAN"),
        ("llm_extract(review, 'INT')", "it is the type INT: give fields"),
        ("llm_extract(review, '')", "option fields => '' of llm is not valid"),
        ("llm_extract(review, 'a BINARY')", "no answer is of type BINARY"),
        ("llm_summarize(review, 'short')", "a whole number is wanted"),
    ],
)
def test_wrong_use_is_an_error_of_the_analyzer(shipped: SparkSession, call: str, says: str) -> None:
    with pytest.raises(PySparkException) as caught:
        shipped.sql(f"SELECT {call} FROM {_REVIEWS}")
    assert says in str(caught.value)
    assert str(caught.value).startswith("[LLM_CALL.")
