"""The orders of a task's windows."""

import numpy as np
import pyarrow as pa

from sparkllm.worker.window_plan import WindowPlanner
from sparkllm_optimizer import PlanOptions


def window(repeating: str, rows: int = 40) -> pa.Table:
    """Rows of two columns, of which one repeats a long text."""
    numbers = np.arange(rows)
    return pa.table(
        {
            name: [f"a long text on {n % 2 if name == repeating else n}" for n in numbers]
            for name in ("city", "firm")
        }
    )


def orders(planner: WindowPlanner, rows: pa.Table) -> set[tuple[str, ...]]:
    groups = planner.groups(rows)
    ids = np.concatenate([group.row_ids for group in groups])
    assert sorted(ids.tolist()) == list(range(rows.num_rows))
    return {group.columns for group in groups}


def test_per_query_keeps_the_order_of_the_first_window() -> None:
    planner = WindowPlanner(PlanOptions("perQuery"))
    assert orders(planner, window("firm")) == {("firm", "city")}
    assert orders(planner, window("city")) == {("firm", "city")}


def test_per_group_looks_at_each_window() -> None:
    planner = WindowPlanner(PlanOptions("perGroup"))
    assert orders(planner, window("firm")) == {("firm", "city")}
    assert orders(planner, window("city")) == {("city", "firm")}


def test_as_written_keeps_the_order_of_the_call() -> None:
    planner = WindowPlanner(PlanOptions("asWritten"))
    assert orders(planner, window("firm")) == {("city", "firm")}


def test_per_query_keeps_the_order_that_the_query_decided() -> None:
    planner = WindowPlanner(PlanOptions("perQuery"), order=("city", "firm"))
    assert orders(planner, window("firm")) == {("city", "firm")}


def test_rows_are_sorted_by_the_values_in_the_instruction_first() -> None:
    rows = window("firm")
    for column_order in ("asWritten", "perQuery", "perGroup"):
        planner = WindowPlanner(PlanOptions(column_order), slots=("firm",))
        ids = np.concatenate([group.row_ids for group in planner.groups(rows)])
        firms = rows.column("firm").take(pa.array(ids)).to_pylist()
        assert firms == sorted(firms)
