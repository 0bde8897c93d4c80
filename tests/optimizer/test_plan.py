"""Plans: ids and field orders, never lost or doubled."""

import datetime
import decimal
import json

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparkllm_optimizer import (
    Plan,
    PlanOptions,
    Recipe,
    Warm,
    apply_recipe,
    distinct_rows,
    learn_recipe,
    partition,
    plan,
    prefix_hits,
)
from sparkllm_optimizer.options import Algorithm, ColumnOrder

tables = (
    st.integers(0, 20)
    .flatmap(
        lambda rows: st.fixed_dictionaries(
            {
                "a": st.lists(
                    st.none() | st.sampled_from(["", "x", "y"]), min_size=rows, max_size=rows
                ),
                "b": st.lists(st.integers(0, 3), min_size=rows, max_size=rows),
                "c": st.lists(st.none() | st.booleans(), min_size=rows, max_size=rows),
            }
        )
    )
    .map(lambda columns: pa.table(columns, pa.schema({"a": "string", "b": "int64", "c": "bool"})))
)
column_orders: list[ColumnOrder] = ["perGroup", "perQuery", "asWritten"]
algorithms: list[Algorithm] = ["ours", "fixed", "ggr", "sorted"]


def prompts(planned: Plan, table: pa.Table) -> dict[int, list[str]]:
    """The lines of each row's prompt by row id."""
    columns = {
        name: [json.dumps(v, default=str) for v in table[name].to_pylist()]
        for name in table.column_names
    }
    return {
        row: [f"{name}: {columns[name][row]}" for name in group.columns]
        for group in planned.groups
        for row in group.row_ids.tolist()
    }


@given(tables, st.sampled_from(column_orders), st.sampled_from(algorithms))
@settings(max_examples=120, deadline=None)
def test_each_row_is_planned_once_with_each_field_once(
    table: pa.Table, column_order: ColumnOrder, algorithm: Algorithm
) -> None:
    planned = plan(table, PlanOptions(column_order=column_order, algorithm=algorithm))
    assert sorted(planned.row_ids.tolist()) == list(range(table.num_rows))
    assert all(sorted(group.columns) == ["a", "b", "c"] for group in planned.groups)
    assert all(len(group.row_ids) for group in planned.groups)


@given(tables)
@settings(max_examples=40, deadline=None)
def test_as_written_keeps_every_prompt(table: pa.Table) -> None:
    planned = plan(table, PlanOptions(column_order="asWritten"))
    lines = [
        [f"{name}: {json.dumps(row[name])}" for name in table.column_names]
        for row in table.to_pylist()
    ]
    assert prompts(planned, table) == dict(enumerate(lines))


@given(tables)
@settings(max_examples=40, deadline=None)
def test_a_plan_changes_only_the_order_of_lines(table: pa.Table) -> None:
    as_written = prompts(plan(table, PlanOptions(column_order="asWritten")), table)
    ours = prompts(plan(table), table)
    assert {row: sorted(lines) for row, lines in ours.items()} == {
        row: sorted(lines) for row, lines in as_written.items()
    }


@given(tables)
@settings(max_examples=40, deadline=None)
def test_per_query_has_one_field_order(table: pa.Table) -> None:
    planned = plan(table, PlanOptions(column_order="perQuery"))
    assert len({group.columns for group in planned.groups}) == min(table.num_rows, 1)


@given(tables)
@settings(max_examples=20, deadline=None)
def test_equal_tables_get_equal_plans(table: pa.Table) -> None:
    first, second = plan(table), plan(table)
    assert first.row_ids.tolist() == second.row_ids.tolist()
    assert [g.columns for g in first.groups] == [g.columns for g in second.groups]


COLUMNS_OF_EVERY_TYPE = [
    pa.array([b"x", None, b"\xff\x00"]),
    pa.array([b"abcd", None, b"abcd"], pa.binary(4)),
    pa.array([[1, 2], [1], None]),
    pa.array([["a", "é"], [], None]),
    pa.array([{"u": 1}, {"u": None}, None]),
    pa.array([[{"a": 1}], [], None]),
    pa.array([[("k", 1)], [], None], pa.map_(pa.string(), pa.int64())),
    pa.array([datetime.date(2024, 2, 29), None, datetime.date(1, 1, 1)]),
    pa.array([datetime.datetime(2024, 2, 29, 1, 2), None, None]),
    pa.array([datetime.datetime(2024, 2, 29, tzinfo=datetime.UTC), None, None]),
    pa.array([datetime.time(1, 2, 3), None, None]),
    pa.array([datetime.timedelta(days=1), None, None]),
    pa.array([(1, 2, 3), None, (1, 2, 3)], pa.month_day_nano_interval()),
    pa.array([decimal.Decimal("1.50"), decimal.Decimal("-3.00"), None]),
    pa.array([1.5, float("nan"), None]),
    pa.array([-0.0, 0.0, float("inf")]),
    pa.array([2**64 - 1, 0, None], pa.uint64()),
    pa.array([True, None, False]),
    pa.array(["\U0001f600", "e\u0301", "\x00\x01"]),
    pa.array(["x" * 300_000, "x" * 300_000 + "y", ""], pa.large_string()),
    pa.array(["é", None, "é"]).dictionary_encode(),
    pa.DictionaryArray.from_arrays(pa.array([0, None, 1], pa.int8()), pa.array(["a", None])),
    pa.nulls(3),
    pa.nulls(3, pa.string()),
]


@pytest.mark.parametrize("values", COLUMNS_OF_EVERY_TYPE, ids=lambda values: str(values.type))
def test_columns_of_any_type_are_planned_judged_cut_and_learned_from(values: pa.Array) -> None:
    table = pa.table({"value": values, "id": [1, 2, 3]})
    planned = plan(table)
    assert sorted(planned.row_ids.tolist()) == [0, 1, 2]
    assert prefix_hits(planned, table).prompt > 0
    assert len(partition(planned, table, 2).parts) == 2
    recipe = Recipe.from_json(learn_recipe(table).to_json())
    assert sorted(apply_recipe(recipe, table).row_ids.tolist()) == [0, 1, 2]
    after = plan(table, warm=Warm(table, planned))
    assert sorted(after.row_ids.tolist()) == [0, 1, 2]
    assert len(distinct_rows(table).first) == 3


@pytest.mark.parametrize("columns", [1, 40, 70])
@pytest.mark.parametrize("rows", [0, 1, 2, 9, 300])
def test_tables_of_any_shape_are_planned(rows: int, columns: int) -> None:
    rng = np.random.default_rng(columns)
    table = pa.table({f"c{c}": rng.integers(0, 4, rows) for c in range(columns)})
    planned = plan(table)
    assert sorted(planned.row_ids.tolist()) == list(range(rows))
    assert all(sorted(group.columns) == sorted(table.column_names) for group in planned.groups)


def test_rows_without_columns_are_planned() -> None:
    table = pa.table({"a": [1, 2, 3]}).select([])
    assert sorted(plan(table).row_ids.tolist()) == [0, 1, 2]
    assert sorted(plan(table, warm=Warm(table, plan(table))).row_ids.tolist()) == [0, 1, 2]


def test_two_columns_of_one_name_are_refused() -> None:
    table = pa.table([pa.array([1]), pa.array([2])], names=["a", "a"])
    with pytest.raises(ValueError, match="two columns 'a'"):
        plan(table)


def test_a_table_without_rows_has_no_groups() -> None:
    assert plan(pa.table({"a": pa.array([], pa.string())})).groups == ()


def test_rows_with_a_common_value_stand_together_behind_it() -> None:
    table = pa.table(
        {"id": ["1", "2", "3", "4"], "text": ["long text one", "two", "long text one", "two"]}
    )
    planned = plan(table)
    assert {group.columns[0] for group in planned.groups} == {"text"}
    rows = planned.row_ids.tolist()
    assert {frozenset(rows[:2]), frozenset(rows[2:])} == {frozenset({0, 2}), frozenset({1, 3})}
