"""Rows that end in an error: NULL, failure or detail, and rows that are cut to fit."""

from collections.abc import Iterator
from typing import Any

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import Row, SparkSession

import sparkllm
from sparkllm.configuration import ENGINE_IMPLEMENTATION
from sparkllm.functions import llm
from sparkllm.sessions import plain_functions

_ROWS = [
    (1, "fine"),
    (2, "endless"),
    (3, "w " * 400),
    (4, None),
    (5, "fine"),
]


@pytest.fixture(scope="module")
def limited(spark: SparkSession) -> Iterator[SparkSession]:
    spark.conf.set(ENGINE_IMPLEMENTATION.name, "tests.engines:WordLimitEngine")
    rows = spark.createDataFrame(_ROWS, "id INT, x STRING").coalesce(1)
    broken = spark.sql("SELECT 6 AS id, CAST(X'66FF' AS STRING) AS x").coalesce(1)
    rows.union(broken).coalesce(1).createOrReplaceTempView("faulty")
    spark.udf.register("plain_llm", plain_functions()["llm"])
    yield spark
    spark.conf.set(ENGINE_IMPLEMENTATION.name, "tests.engines:DigestEngine")


def _column(spark: SparkSession, call: str, source: str = "faulty") -> list[Any]:
    return [row[0] for row in spark.sql(f"SELECT {call} FROM {source} ORDER BY id").collect()]


def _error(spark: SparkSession, call: str) -> str:
    with pytest.raises(PySparkException) as caught:
        _column(spark, call)
    return str(caught.value)


def test_by_default_a_row_with_an_error_is_null_and_the_error_is_counted(
    limited: SparkSession,
) -> None:
    answers = _column(limited, "llm('Look at it', x)")
    fine = 'Look at it\n\nx: "fine"\n'
    assert answers == [fine, None, None, None, fine, None]
    used = sparkllm.usage(limited).last
    assert used.errors == {"TRUNCATED": 1, "OVERFLOW": 1, "INVALID_INPUT": 1}
    assert (used.rows, used.nulls, used.calls) == (6, 1, 3)


def test_the_detail_tells_the_error_the_reason_and_the_tokens(limited: SparkSession) -> None:
    fine, endless, long, null, again, broken = _column(
        limited, "llm('Take it apart', x, on_error => 'detail')"
    )
    assert fine == Row(
        value='Take it apart\n\nx: "fine"\n',
        error=None,
        finish_reason="stop",
        usage=Row(prompt_tokens=5, cached_tokens=1, output_tokens=2),
        cut=None,
    )
    assert (endless.value, endless.error.code, endless.finish_reason) == (
        None,
        "TRUNCATED",
        "length",
    )
    assert "raise max_tokens" in endless.error.message
    assert (long.error.code, long.usage.prompt_tokens) == ("OVERFLOW", 405)
    assert "at most 20 fit" in long.error.message
    assert null is None
    assert again.value == fine.value
    assert again.usage.prompt_tokens == 0  # the first of the equal rows bears the cost
    assert (broken.error.code, broken.finish_reason) == ("INVALID_INPUT", "error")
    assert "make_valid_utf8(x)" in broken.error.message


def test_the_detail_of_a_typed_call_has_a_value_of_the_type(limited: SparkSession) -> None:
    call = "llm('Read it', x, returns => 'INT', on_error => 'detail')"
    schema = limited.sql(f"SELECT {call} AS d FROM faulty").schema["d"].dataType.simpleString()
    assert schema == (
        "struct<value:int,error:struct<code:string,message:string>,finish_reason:string,"
        "usage:struct<prompt_tokens:int,cached_tokens:int,output_tokens:int>,"
        "cut:array<struct<column:string,characters:int>>>"
    )
    detail = _column(limited, call)[0]
    assert (detail.value, detail.error.code) == (None, "INVALID_ANSWER")
    assert "is not of type int" in detail.error.message


def test_the_detail_of_a_variant_has_a_variant(limited: SparkSession) -> None:
    call = "llm('Read it', x, returns => 'VARIANT', on_error => 'detail')"
    detail = f"{call}.value IS NULL, {call}.error.code"
    query = limited.sql(f"SELECT {detail} FROM faulty WHERE id = 1")
    assert [tuple(row) for row in query.collect()] == [(True, "INVALID_ANSWER")]


def test_fail_ends_the_query_with_the_row_error_in_the_first_line(limited: SparkSession) -> None:
    first_line = _error(limited, "llm('Look at it', x, on_error => 'fail')").splitlines()[0]
    assert "row error TRUNCATED: the answer was not finished" in first_line
    assert "leave out on_error => 'fail'" in first_line


def test_fail_does_nothing_where_no_row_has_an_error(limited: SparkSession) -> None:
    source = "(SELECT * FROM faulty WHERE id IN (1, 4))"
    call = "llm('Look at it', x, on_error => 'fail')"
    assert _column(limited, call, source) == ['Look at it\n\nx: "fine"\n', None]


def test_more_errors_than_the_ratio_end_the_query(limited: SparkSession) -> None:
    error = _error(limited, "llm('Look at it', x, max_error_ratio => 0.4)")
    assert "row errors: 3 of 6 rows, more than max_error_ratio = 0.4" in error.splitlines()[0]
    allowed = _column(limited, "llm('Look at it', x, max_error_ratio => 0.5)")
    assert allowed == _column(limited, "llm('Look at it', x)")


def test_the_ratio_holds_for_each_task_and_not_below_a_limit(limited: SparkSession) -> None:
    limited.range(0, 20, 1, 2).selectExpr(
        "id", "if(id = 0, 'endless', concat('row ', id)) AS x"
    ).createOrReplaceTempView("one_in_twenty")
    call = "llm('Look at it', x, max_error_ratio => 0.07)"
    with pytest.raises(Exception, match="row errors: 1 of 10 rows, more than max_error_ratio"):
        limited.sql(f"SELECT {call} FROM one_in_twenty").collect()
    some = limited.sql(f"SELECT x FROM one_in_twenty WHERE {call} LIKE '%row 3%' LIMIT 1")
    assert [row.x for row in some.collect()] == ["row 3"]
    details = "llm('Look at it', x, on_error => 'detail') AS d"
    share = "count_if(d.error IS NOT NULL) / count(*)"
    whole = limited.sql(f"SELECT {share} FROM (SELECT {details} FROM one_in_twenty)").first()
    assert whole[0] == 0.05


def test_a_row_that_is_cut_is_answered_and_the_detail_says_what_was_left_out(
    limited: SparkSession,
) -> None:
    call = (
        "llm('Look at it', struct(x, 'short' AS y), overflow => 'truncate', on_error => 'detail')"
    )
    _, _, long, _, _, _ = _column(limited, call)
    assert long.error is None
    assert 10 <= long.usage.prompt_tokens <= 20
    [cut] = long.cut
    assert cut.column == "x"
    assert long.value == f'Look at it\n\nx: "{("w " * 400)[: 800 - cut.characters]}…"\ny: "short"\n'


def test_what_does_not_fit_without_any_row_text_stays_an_error(limited: SparkSession) -> None:
    instruction = "very " * 30
    call = f"llm('{instruction}', x, overflow => 'truncate', on_error => 'detail')"
    assert {d.error.code for d in _column(limited, call) if d} == {"OVERFLOW", "INVALID_INPUT"}


def test_options_of_errors_work_in_the_dataframe_api(limited: SparkSession) -> None:
    column = llm("Look at it", "x", on_error="detail", overflow="truncate", max_error_ratio=0.9)
    details = limited.table("faulty").select("id", column.alias("d")).orderBy("id").collect()
    assert [row.d and row.d.error and row.d.error.code for row in details] == [
        None,
        "TRUNCATED",
        None,
        None,
        None,
        "INVALID_INPUT",
    ]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("map('on_error', 'fail')", "row error TRUNCATED: the answer was not finished"),
        ("map('max_error_ratio', '0.4')", "row errors: 3 of 6 rows"),
        ("map('on_error', 'detail')", "on_error => 'detail' needs the Catalyst extension"),
        ("map('on_error', 'panic')", "it is none of null, fail, detail"),
    ],
)
def test_a_plain_udf_fails_where_it_is_told_to(
    limited: SparkSession, options: str, says: str
) -> None:
    assert says in _error(limited, f"plain_llm('Look at it', x, {options})")
