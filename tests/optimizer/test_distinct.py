"""Distinct rows of tables of all types."""

import datetime
import decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparkllm_optimizer import Normalisation, distinct_rows

small = st.integers(0, 3)
columns_of_a_type = {
    pa.string(): st.none() | st.sampled_from(["", "a", "b", "null"]),
    pa.int64(): st.none() | small,
    pa.bool_(): st.none() | st.booleans(),
    pa.float64(): st.none() | st.sampled_from([0.5, 1.0, -2.0]),
    pa.date32(): st.none() | small.map(lambda day: datetime.date(2020, 1, 1 + day)),
    pa.decimal128(5, 2): st.none() | small.map(lambda n: decimal.Decimal(n) / 4),
    pa.list_(pa.int64()): st.none() | st.lists(st.none() | small, max_size=2),
    pa.struct({"x": pa.int64(), "y": pa.string()}): st.none()
    | st.fixed_dictionaries({"x": st.none() | small, "y": st.sampled_from(["", "u"])}),
    pa.map_(pa.string(), pa.int64()): st.none()
    | st.lists(st.tuples(st.sampled_from("kl"), small), max_size=2, unique_by=lambda kv: kv[0]),
}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    rows = draw(st.integers(0, 15))
    kinds = draw(st.lists(st.sampled_from(list(columns_of_a_type)), min_size=1, max_size=3))
    arrays = [
        pa.array(draw(st.lists(columns_of_a_type[kind], min_size=rows, max_size=rows)), kind)
        for kind in kinds
    ]
    return pa.table(arrays, names=[f"c{index}" for index in range(len(kinds))])


@given(tables())
@settings(max_examples=150, deadline=None)
def test_rows_are_distinct_as_python_values_are(table: pa.Table) -> None:
    found = distinct_rows(table)
    keys = [repr(row) for row in table.to_pylist()]
    first = [row for row, key in enumerate(keys) if key not in keys[:row]]
    assert found.first.tolist() == first
    assert [keys[found.first[index]] for index in found.inverse.tolist()] == keys


@given(tables(), st.integers(1, 4))
@settings(max_examples=50, deadline=None)
def test_chunks_make_no_difference(table: pa.Table, size: int) -> None:
    chunked = pa.Table.from_batches(table.to_batches(max_chunksize=size), table.schema)
    assert distinct_rows(chunked).inverse.tolist() == distinct_rows(table).inverse.tolist()


def test_null_differs_from_the_empty_string_and_equals_itself() -> None:
    assert distinct_rows(pa.table({"a": ["", None, "", None]})).inverse.tolist() == [0, 1, 0, 1]


def test_zero_and_minus_zero_are_written_differently() -> None:
    assert distinct_rows(pa.table({"a": [0.0, -0.0, 0.0]})).first.tolist() == [0, 1]


def test_not_a_number_equals_itself() -> None:
    assert distinct_rows(pa.table({"a": [float("nan")] * 2})).first.tolist() == [0]


def test_dictionary_encoded_columns_compare_by_value() -> None:
    twice = pa.DictionaryArray.from_arrays(pa.array([0, 1, 2, None, 3]), ["x", "y", "x", None])
    assert distinct_rows(pa.table({"a": twice})).inverse.tolist() == [0, 1, 0, 2, 2]


def test_only_the_columns_in_use_are_compared() -> None:
    table = pa.table({"id": [1, 2, 3], "text": ["a", "b", "a"]})
    assert distinct_rows(table, columns=["text"]).first.tolist() == [0, 1]


def test_without_columns_all_rows_are_equal() -> None:
    table = pa.table({"id": [1, 2, 3]})
    found = distinct_rows(table, columns=[])
    assert found.first.tolist() == [0]
    assert found.inverse.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("texts", "normalisation"),
    [
        ([" a ", "a"], Normalisation(trim=True)),
        (["Ä", "ä"], Normalisation(case=True)),
        (["e\u0301", "\u00e9"], Normalisation(unicode=True)),
    ],
)
def test_normalisation_is_only_on_request(texts: list[str], normalisation: Normalisation) -> None:
    table = pa.table({"a": texts})
    assert len(distinct_rows(table).first) == 2
    assert len(distinct_rows(table, normalisation=normalisation).first) == 1


def test_many_columns_do_not_run_into_each_other() -> None:
    wide = {f"c{i}": [j * (j >= i) for j in range(300)] for i in range(12)}
    rows = [tuple(column[j] for column in wide.values()) for j in range(300)]
    assert len(distinct_rows(pa.table(wide)).first) == len(set(rows))
