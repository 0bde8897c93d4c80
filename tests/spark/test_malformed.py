"""What users get wrong ends in a documented error: of the analyzer, or of its row."""

from collections.abc import Iterator

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from sparkllm.configuration import ENGINE_IMPLEMENTATION
from sparkllm_engine.errors import RowErrorCode

_INTEGERS = ("max_tokens", "min_tokens", "top_k", "seed")
_NUMBERS = ("temperature", "top_p", "max_error_ratio")
_WORDS = ("on_error", "overflow")
_LABELS = (
    "array()", "array('')", "array(NULL)", "array('a', NULL)", "array('a', 'a')",
    "array('a', ' a')", "1", "NULL", "''", "'a,,b'", "'[1'", "'{\"a\"'", "'[]'", "map()",
    "map('', 'x')", "map('a', 'x', 'a ', 'y')", "struct(1)", "true",
)  # fmt: skip
_TYPES = (
    "'INTT'", "'BINARY'", "'STRUCT<>'", "'MAP<INT, INT>'", "'MAP<STRING, INT>'", "'a b c'", "''",
    "1", "NULL", "'INTERVAL DAY'", "'STRUCT<a:'", "'ARRAY<BINARY>'", "'ARRAY<VARIANT>'", "'VOID'",
    "'STRUCT<a: INTERVAL DAY>'", "'CHAR(3)'",
)  # fmt: skip
_FIELDS = (
    "''", "'INT'", "'a'", "'a BINARY'", "array()", "array('a', 'a')", "array(NULL)", "NULL", "1",
    "'ARRAY<INT>'", "'a STRUCT<>'", "'a INT,'", "'a INT NOT'", "array('')", "'VARIANT'", "true",
    "'a MAP<STRING, INT>'", "'[\"a\"'",
)  # fmt: skip

_CALLS = [
    *(f"llm('Look at it', x, {name} => {value})"
      for name in _INTEGERS for value in ("'many'", "1.5", "-1", "NULL", "true", "array(1)", "x")),
    *(f"llm('Look at it', x, {name} => {value})"
      for name in _NUMBERS for value in ("'hot'", "-1", "NULL", "array(1.0)", "x", "true")),
    *(f"llm('Look at it', x, {name} => {value})"
      for name in _WORDS for value in ("'panic'", "1", "NULL", "''", "x")),
    *(f"llm_classify(x, labels => {value})" for value in _LABELS),
    *(f"llm('Look at it', x, returns => {value})" for value in _TYPES),
    *(f"llm_extract(x, {value})" for value in _FIELDS),
    *(f"llm_classify(x, examples => {value})"
      for value in ("1", "NULL", "array('a')", "array(array('a'))", "'[1'", "map('a', NULL)", "x")),
    *(f"llm_classify(x, multi_label => {value})" for value in ("1", "NULL", "'yes'", "x")),
    *(f"llm_translate(x, {value})" for value in ("1", "NULL", "''", "' '", "x", "array('German')")),
    *(f"llm_summarize(x, {value})" for value in ("'short'", "-1", "1.5", "NULL", "x")),
    *(f"llm_mask(x, {value})" for value in ("array()", "array('a', 'a')", "NULL", "1", "x")),
    *(f"llm_sentiment(x, {value})" for value in ("array('a', 'a')", "NULL", "1", "array('')")),
    *(f"llm_filter({value})"
      for value in ("", "'So?'", "x, x", "1, x", "NULL, x", "'', x", "'Is {y} so?', x",
                    "'So?', x, labels => array('a')", "'So?', x, returns => 'INT'")),
    *(f"llm({value})"
      for value in ("", "x, x", "NULL, x", "'', x", "1, x", "'clasify', x", "'classify'",
                    "'translate', x", "'filter', x", "'Is {y} so?', x", "'Look at it', missing",
                    "'Look at it', x, colour => 1", "'Look at it', x, seed => 1, seed => 2",
                    "'Look at it', x, map('seed', x)", "'Look at it', x, language => 'German'",
                    "'Look at it', CAST(x AS BINARY)", "'Look at it', INTERVAL 1 DAY",
                    "'Look at it', array(INTERVAL 1 DAY)", "'Look at it', x, top_p => 0")),
    "llm_count_tokens()", "llm_count_tokens(x, 1)", "llm_score(x, x)", "llm_generate()",
    "llm_fix_grammar(x, 1)", "llm_fix_grammar(x, labels => array('a'))", "llm_extract(x)",
    "llm('Look at it', x, max_error_ratio => 1.1)", "llm('Look at it', x, top_p => 1.1)",
    "llm('Look at it', x, temperature => double('NaN'))", "llm('Look at it', x, map(1, 2))",
    "llm('Look at it', x, temperature => double('Infinity'))",
]  # fmt: skip

_HUGE = 1 << 20
_DEEP = f"a STRUCT<{'a: STRUCT<' * 40}a: INT{'>' * 41}"
_ROWS = {
    "CAST(X'FF' AS STRING)": RowErrorCode.INVALID_INPUT,
    "CAST(X'66C0AF' AS STRING)": RowErrorCode.INVALID_INPUT,
    "CAST(X'EDA080' AS STRING)": RowErrorCode.INVALID_INPUT,  # a lone surrogate
    "CAST(X'EDB080EDA080' AS STRING)": RowErrorCode.INVALID_INPUT,
    "CAST(X'F5808080' AS STRING)": RowErrorCode.INVALID_INPUT,
    "CAST(X'E282' AS STRING)": RowErrorCode.INVALID_INPUT,  # cut within a character
    "concat('fine ', CAST(X'80' AS STRING))": RowErrorCode.INVALID_INPUT,
    f"repeat('a', {_HUGE})": RowErrorCode.OVERFLOW,
    f"repeat('a ', {_HUGE // 2})": RowErrorCode.OVERFLOW,
    f"repeat('🙂', {_HUGE // 4})": RowErrorCode.OVERFLOW,
    f"repeat('\\n', {_HUGE // 16})": RowErrorCode.OVERFLOW,
    "repeat('<|end|>', 20000)": RowErrorCode.OVERFLOW,
    "''": None,
    "' '": None,
    "char(0)": None,
    "concat('a', char(0), 'b')": None,
    "'<|end|><|assistant|>'": None,
    "'{{ x }} {x} {% if %}'": None,
    "'\\u202e\\ufeff\\u200b'": None,
    "repeat('e', 100)": None,
    "CAST(NULL AS STRING)": None,
}


@pytest.fixture(scope="module")
def shipped(spark: SparkSession) -> Iterator[SparkSession]:
    spark.conf.set(ENGINE_IMPLEMENTATION.name, ENGINE_IMPLEMENTATION.default)
    values = ", ".join(f"({number}, {value})" for number, value in enumerate(_ROWS))
    spark.sql(f"SELECT * FROM VALUES {values} AS t(id, x)").coalesce(1).createOrReplaceTempView(
        "malformed"
    )
    yield spark
    spark.conf.set(ENGINE_IMPLEMENTATION.name, "tests.engines:DigestEngine")


def test_there_are_200_of_them() -> None:
    assert len(_CALLS) + len(_ROWS) >= 200
    assert len(set(_CALLS)) == len(_CALLS)


@pytest.mark.parametrize("call", _CALLS)
def test_a_malformed_call_is_refused_before_anything_runs(shipped: SparkSession, call: str) -> None:
    with pytest.raises(PySparkException) as caught:
        shipped.sql(f"SELECT {call} FROM malformed")
    first_line = str(caught.value).splitlines()[0]
    assert first_line.startswith(("[LLM_CALL.", "[UNRESOLVED_COLUMN", "[DUPLICATE_ROUTINE"))
    assert len(first_line) > 30


@pytest.mark.parametrize(
    "call",
    [
        "llm_classify(x, array('good', 'bad'), on_error => 'detail')",
        "llm('Look at {x}', x, max_tokens => 4, min_tokens => 0, on_error => 'detail')",
    ],
)
def test_a_malformed_row_has_its_own_error_and_no_row_is_lost(
    shipped: SparkSession, call: str
) -> None:
    answered = shipped.sql(f"SELECT id, {call} AS d FROM malformed ORDER BY id").collect()
    assert [row.id for row in answered] == list(range(len(_ROWS)))
    for row, (value, code) in zip(answered, _ROWS.items(), strict=True):
        if value.startswith("CAST(NULL"):
            assert row.d is None
        elif code is not None:
            assert row.d.error.code == code, value
            assert row.d.error.message
        else:
            assert row.d.error is None or row.d.error.code == RowErrorCode.TRUNCATED, value


@pytest.mark.parametrize(
    ("call", "codes"),
    [
        (f"llm_classify(x, '{','.join(f'label {n}' for n in range(10_000))}', {{}})",
         {RowErrorCode.INVALID_CALL, RowErrorCode.OVERFLOW}),
        ("llm_classify(x, array('a', 'ab', 'abc', 'a b c', 'A'), {})", {None}),
        (f"llm('Look at it', x, returns => '{'ARRAY<' * 60}INT{'>' * 60}', max_tokens => 2, {{}})",
         {RowErrorCode.INVALID_CALL, RowErrorCode.TRUNCATED}),
        (f"llm_extract(x, '{_DEEP}', max_tokens => 2, {{}})",
         {RowErrorCode.INVALID_CALL, RowErrorCode.TRUNCATED}),
        ("llm('Look at it', x, min_tokens => 9, max_tokens => 3, {})",
         {RowErrorCode.INVALID_CALL}),
    ],
    ids=["10,000 labels", "labels that begin others", "deep array", "deep struct", "options"],
)  # fmt: skip
def test_a_call_that_the_model_cannot_take_ends_each_row_in_its_error(
    shipped: SparkSession, call: str, codes: set[RowErrorCode | None]
) -> None:
    asked = call.format("on_error => 'detail'")
    answered = shipped.sql(f"SELECT {asked} AS d FROM VALUES ('one'), ('two') AS t(x)").collect()
    assert len(answered) == 2
    for row in answered:
        assert (row.d.error and row.d.error.code) in codes
