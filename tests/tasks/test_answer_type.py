"""Answers as typed columns: what the type makes the engine write is read back, the rest is NULL."""

import datetime
import json
import re
from decimal import Decimal
from typing import Any

import jsonschema
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llguidance import LLMatcher
from pyspark.sql import types as spark
from pyspark.sql.pandas.types import from_arrow_type

from sparkllm.tasks import CallError
from sparkllm.tasks.answer_type import AnswerType

ORDER = spark.StructType(
    [
        spark.StructField("id", spark.LongType(), False),
        spark.StructField("price", spark.DecimalType(10, 2)),
        spark.StructField("gift", spark.BooleanType()),
        spark.StructField("sent", spark.DateType()),
        spark.StructField("tags", spark.ArrayType(spark.StringType(), False), False),
        spark.StructField("sizes", spark.MapType(spark.StringType(), spark.DoubleType())),
        spark.StructField("at", spark.TimestampType()),
        spark.StructField("seen", spark.TimestampNTZType()),
        spark.StructField("small", spark.ByteType()),
        spark.StructField("ratio", spark.FloatType()),
    ]
)
TYPES = [
    spark.BooleanType(), spark.ByteType(), spark.ShortType(), spark.IntegerType(),
    spark.LongType(), spark.FloatType(), spark.DoubleType(), spark.DecimalType(10, 2),
    spark.DecimalType(38, 0), spark.StringType(), spark.DateType(), spark.TimestampType(),
    spark.TimestampNTZType(), ORDER, spark.ArrayType(spark.IntegerType()),
    spark.ArrayType(ORDER), spark.MapType(spark.StringType(), spark.ArrayType(spark.DateType())),
]  # fmt: skip


def answer_type(data_type: spark.DataType, **settings: str) -> AnswerType:
    return AnswerType.from_json(data_type.json(), **settings)


def one(data_type: spark.DataType, text: str, **settings: str) -> Any:
    """Return the value of one answer, which must be good."""
    array, errors = answer_type(data_type, **settings).column([text])
    assert errors == {}
    return array.to_pylist()[0]


@pytest.mark.parametrize("data_type", TYPES, ids=lambda t: t.simpleString()[:40])
def test_spark_reads_the_column_as_the_type(data_type: spark.DataType) -> None:
    array, errors = answer_type(data_type).column([None])
    assert array.type == answer_type(data_type).arrow
    read = from_arrow_type(array.type, prefer_timestamp_ntz=True)
    assert read.simpleString() == data_type.simpleString()
    assert (array.to_pylist(), errors) == ([None], {})


@pytest.mark.parametrize("data_type", TYPES, ids=lambda t: t.simpleString()[:40])
def test_the_engine_can_follow_the_grammar_of_the_type(data_type: spark.DataType) -> None:
    parameters = answer_type(data_type).parameters()
    if "regex" in parameters:
        grammar = LLMatcher.grammar_from_regex(parameters.pop("regex"))
        assert LLMatcher.validate_grammar(grammar) == ""
    if "json_schema" in parameters:
        grammar = LLMatcher.grammar_from_json_schema(parameters.pop("json_schema"))
        assert LLMatcher.validate_grammar(grammar) == ""
    choices = ("true", "false") if isinstance(data_type, spark.BooleanType) else None
    assert parameters == ({"choices": choices} if choices else {})


@pytest.mark.parametrize(
    ("data_type", "text", "value"),
    [
        (spark.BooleanType(), "true", True),
        (spark.BooleanType(), "false", False),
        (spark.ByteType(), "-128", -128),
        (spark.LongType(), "-9223372036854775808", -(2**63)),
        (spark.DoubleType(), "-1.5e3", -1500.0),
        (spark.FloatType(), "0.5", 0.5),
        (spark.DecimalType(10, 2), "12345678.9", Decimal("12345678.90")),
        (spark.DecimalType(5, 1), "-0.05", Decimal("-0.1")),
        (spark.DecimalType(38, 0), "9" * 38, Decimal("9" * 38)),
        (spark.StringType(), " as it is ", " as it is "),
        (spark.DateType(), "2024-02-29", datetime.date(2024, 2, 29)),
        (spark.TimestampNTZType(), "2024-02-29 23:59:59.5",
         datetime.datetime(2024, 2, 29, 23, 59, 59, 500000)),
        (spark.ArrayType(spark.IntegerType()), "[1, null, 3]", [1, None, 3]),
        (spark.MapType(spark.StringType(), spark.LongType()), '{"a": 1}', [("a", 1)]),
        (spark.ArrayType(spark.DecimalType(4, 2)), "[1.005, 99.99]",
         [Decimal("1.01"), Decimal("99.99")]),
    ],
)  # fmt: skip
def test_an_answer_becomes_a_value(data_type: spark.DataType, text: str, value: object) -> None:
    assert one(data_type, text) == value
    regex = answer_type(data_type).parameters().get("regex")
    assert regex is None or re.fullmatch(regex, text) or text == "-0.05"


def test_a_timestamp_without_a_zone_is_of_the_sessions_zone() -> None:
    kind, utc = spark.TimestampType(), datetime.UTC
    noon = datetime.datetime(2024, 7, 1, 12, tzinfo=utc)
    assert one(kind, "2024-07-01 12:00:00") == noon
    assert one(kind, "2024-07-01T14:00:00", time_zone="Europe/Berlin") == noon
    assert one(kind, "2024-07-01 12:00:00Z", time_zone="Europe/Berlin") == noon
    assert one(kind, "2024-07-01 06:30:00-05:30", time_zone="Europe/Berlin") == noon


def test_a_nested_answer_becomes_a_struct() -> None:
    body = {
        "id": 2**62, "price": 12.5, "gift": True, "sent": "2024-02-29", "tags": ["a", "b"],
        "sizes": {"waist": 71.5}, "at": "2024-02-29 10:00:00", "seen": "2024-02-29 10:00:00",
        "small": 7, "ratio": 0.25,
    }  # fmt: skip
    jsonschema.validate(body, json.loads(answer_type(ORDER).parameters()["json_schema"]))
    value = one(ORDER, json.dumps(body))
    assert value["id"] == 2**62
    assert value["price"] == Decimal("12.50")
    assert value["sent"] == datetime.date(2024, 2, 29)
    assert value["at"] == datetime.datetime(2024, 2, 29, 10, tzinfo=datetime.UTC)
    assert value["sizes"] == [("waist", 71.5)]
    empty = body | {"price": None, "gift": None, "sent": None, "sizes": None}
    assert one(ORDER, json.dumps(empty))["price"] is None


BAD = [
    (spark.BooleanType(), "maybe", "neither true nor false"),
    (spark.ByteType(), "128", "it is not from -128 to 127"),
    (spark.IntegerType(), "2147483648", "it is not from"),
    (spark.IntegerType(), "1.5", "no whole number"),
    (spark.IntegerType(), "1_000", "no number"),
    (spark.IntegerType(), "", "no number"),
    (spark.LongType(), "9223372036854775808", "it is not from"),
    (spark.DoubleType(), "1e999", "no finite number"),
    (spark.DoubleType(), "nan", "no number"),
    (spark.FloatType(), "1e39", "no finite number"),
    (spark.DecimalType(4, 2), "100", "more than 2 digits before the point"),
    (spark.DecimalType(4, 2), "99.999", "more than 2 digits before the point"),
    (spark.DecimalType(4, 2), "1e999999999", "no number of this size"),
    (spark.DateType(), "2023-02-29", "day is out of range"),
    (spark.DateType(), "0000-01-01", "year 0 is out of range"),
    (spark.DateType(), "29.2.2024", "not written like one"),
    (spark.TimestampType(), "0001-01-01 00:00:00+14:00", "range"),
    (spark.TimestampNTZType(), "2024-01-01 00:00:00Z", "not written like one"),
    (spark.ArrayType(spark.IntegerType()), "[1, 2", "Expecting"),
    (spark.ArrayType(spark.IntegerType()), "[1, 3000000000]", r"\[1\]: '3000000000': it is not"),
    (spark.ArrayType(spark.IntegerType(), False), "[null]", "no number"),
    (spark.ArrayType(spark.StringType()), "[1]", "'1' is no string"),
    (spark.ArrayType(spark.DateType()), '["2023-02-30"]', "day is out of range"),
    (spark.ArrayType(spark.LongType()), "[" * 100_000, "recursion"),
    (ORDER, "{}", "it has the fields"),
    (ORDER, "[]", "no object"),
    (spark.MapType(spark.StringType(), spark.LongType()), '{"a": 1, "a": 2}', "a key twice"),
    (spark.VariantType(), "{a: 1}", "Expecting"),
    (spark.VariantType(), "NaN", "NaN is no JSON"),
    (spark.VariantType(), '{"a": 1, "a": 2}', "a key twice"),
    (spark.StringType(), "half \ud800", "surrogates"),
    (spark.ArrayType(spark.StringType()), '["\\ud800"]', "surrogates"),
]


@pytest.mark.parametrize(("data_type", "text", "message"), BAD)
def test_a_bad_answer_is_null_with_a_message(
    data_type: spark.DataType, text: str, message: str
) -> None:
    array, errors = answer_type(data_type).column([None, text, None])
    assert array.to_pylist() == [None, None, None]
    assert list(errors) == [1]
    assert re.search(message, errors[1]), errors[1]
    assert f"is not of type {data_type.simpleString()}" in errors[1]
    assert len(errors[1]) < 600


def test_good_and_bad_answers_keep_their_places() -> None:
    array, errors = answer_type(spark.IntegerType()).column(["1", "x", None, "4"])
    assert array == pa.array([1, None, None, 4], pa.int32())
    assert list(errors) == [1]


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
))  # fmt: skip
def test_any_json_is_a_variant_and_stays_as_it_is_written(value: object) -> None:
    text = json.dumps(value, ensure_ascii=True)
    variant = answer_type(spark.VariantType())
    assert variant.parameters() == {"json_schema": "{}"}
    array, errors = variant.column([text])
    assert (array.to_pylist(), errors) == ([text], {})


@given(st.sampled_from(TYPES), st.text(max_size=30))
def test_no_text_is_an_exception(data_type: spark.DataType, text: str) -> None:
    array, errors = answer_type(data_type).column([text])
    assert array.is_valid().to_pylist() == [not errors]


@pytest.mark.parametrize(
    ("data_type", "words"),
    [
        (spark.BinaryType(), "type binary are not supported"),
        (spark.NullType(), "type void"),
        (spark.CharType(5), r"type char\(5\)"),
        (spark.VarcharType(5), r"type varchar\(5\)"),
        (spark.DayTimeIntervalType(), "interval"),
        (spark.ArrayType(spark.BinaryType()), r"type binary \(in \[\]\)"),
        (spark.StructType([spark.StructField("x", spark.VariantType())]), r"variant \(in x\)"),
        (spark.MapType(spark.IntegerType(), spark.StringType()), "keys must be STRING"),
        (spark.StructType([]), "a struct needs fields"),
        (
            spark.StructType([spark.StructField("x", spark.LongType())] * 2),
            "each with a name of its own",
        ),
    ],
)
def test_a_type_that_answers_cannot_have_is_named(data_type: spark.DataType, words: str) -> None:
    with pytest.raises(CallError, match=words):
        answer_type(data_type)


@pytest.mark.parametrize("text", ["", "integer", '"nonsense"', "{}", "[1]", "null"])
def test_what_is_no_type_is_refused(text: str) -> None:
    with pytest.raises(CallError, match="is no type of Spark"):
        AnswerType.from_json(text)
