"""Windows planned after one another."""

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from sparkllm_optimizer import Plan, PlanOptions, RadixCache, Warm, plan
from sparkllm_optimizer.arrangement import Arrangement
from sparkllm_optimizer.cells import weigh
from sparkllm_optimizer.encoding import encode_table
from sparkllm_optimizer.hits import serve
from sparkllm_optimizer.measure import Measure
from sparkllm_optimizer.plan import arrangement_of


def shop(rows: int, seed: int) -> pa.Table:
    """Sales of four products by four sellers: which of both should come first is a toss-up."""
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "review": pa.array([f"window {seed} review {row}" for row in range(rows)], pa.string()),
            "product": pa.array(
                [f"long text on product {p}" * 3 for p in rng.integers(0, 4, rows)], pa.string()
            ),
            "seller": pa.array(
                [f"long text on seller {s}" * 3 for s in rng.integers(0, 4, rows)], pa.string()
            ),
        }
    )


def served(plans: list[Plan], tables: list[pa.Table], budget: int) -> int:
    """Tokens that one cache serves over all windows."""
    cells = weigh(encode_table(pa.concat_tables(tables)), Measure())
    cache = RadixCache(budget)
    total = start = 0
    for planned, table in zip(plans, tables, strict=True):
        part = arrangement_of(planned, cells.names)
        total += sum(serve(Arrangement(part.rows + start, part.fields), cells, cache))
        start += table.num_rows
    return total


@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(0, 40))
@settings(max_examples=40, deadline=None)
def test_a_warm_plan_names_the_rows_of_its_own_window(seed: int, rows: int, before: int) -> None:
    last, table = shop(before, seed), shop(rows, seed + 1)
    planned = plan(table, warm=Warm(last, plan(last)))
    assert sorted(planned.row_ids.tolist()) == list(range(rows))
    assert all(sorted(g.columns) == sorted(table.column_names) for g in planned.groups)


def test_small_windows_are_served_more_when_they_know_the_cache() -> None:
    tables = [shop(8, seed) for seed in range(12)]
    cold = [plan(table) for table in tables]
    warm: list[Plan] = []
    state = Warm(tables[0].slice(0, 0), Plan(()))
    for table in tables:
        warm.append(plan(table, warm=state))
        state = state.followed_by(table, warm[-1]).last_tokens(20_000)
    assert served(warm, tables, 20_000) > served(cold, tables, 20_000)


def test_only_what_the_cache_holds_stays_warm() -> None:
    table = shop(50, 0)
    planned = plan(table)
    kept = Warm(table, planned).last_tokens(200)
    assert 0 < kept.table.num_rows < 50
    last = planned.row_ids[-kept.table.num_rows :]
    assert kept.table["review"].to_pylist() == table.take(pa.array(last))["review"].to_pylist()


def test_as_written_stays_as_written_when_warm() -> None:
    last, table = shop(10, 0), shop(10, 1)
    options = PlanOptions(column_order="asWritten")
    planned = plan(table, options, Warm(last, plan(last)))
    assert {group.columns for group in planned.groups} == {tuple(table.column_names)}
