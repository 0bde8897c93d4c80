"""Cutting plans for several executors."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparkllm_optimizer import PlanOptions, partition, plan, prefix_hits


def skewed_table(rows: int, seed: int, planted: float = 0.0) -> pa.Table:
    """Reviews of products, one product with a share `planted` of all rows."""
    rng = np.random.default_rng(seed)
    product = np.minimum(rng.zipf(1.3, rows), 500)
    product[rng.random(rows) < planted] = 1
    return pa.table(
        {
            "review": [f"review number {row} of this shop" for row in range(rows)],
            "description": [f"a fairly long description of product {p} " * 3 for p in product],
            "stars": rng.integers(1, 6, rows),
        }
    )


@given(st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 60))
@settings(max_examples=40, deadline=None)
def test_parts_hold_each_row_once(seed: int, parts: int, rows: int) -> None:
    table = skewed_table(rows, seed)
    cut = partition(plan(table), table, parts)
    assert len(cut.parts) == len(cut.computed) == parts
    assert sorted(np.concatenate([p.row_ids for p in cut.parts]).tolist()) == list(range(rows))


@pytest.mark.parametrize("planted", [0.0, 0.6])
def test_eight_parts_are_even_and_keep_the_hits(planted: float) -> None:
    table = skewed_table(4_000, 1, planted)
    planned = plan(table)
    whole = prefix_hits(planned, table).cached
    cut = partition(planned, table, 8)
    assert cut.balance <= 1.15
    assert sum(_hits_alone(part, table) for part in cut.parts) >= 0.95 * whole


def _hits_alone(part: object, table: pa.Table) -> int:
    from sparkllm_optimizer import Plan
    from sparkllm_optimizer.plan import Group

    assert isinstance(part, Plan)
    kept = np.sort(part.row_ids)
    groups = tuple(Group(np.searchsorted(kept, g.row_ids), g.columns) for g in part.groups)
    return prefix_hits(Plan(groups), table.take(pa.array(kept))).cached


def test_lost_hits_are_those_at_the_cuts() -> None:
    table = skewed_table(1_000, 3)
    options = PlanOptions()
    planned = plan(table, options)
    whole = prefix_hits(planned, table).previous
    prompt = prefix_hits(planned, table).prompt
    cut = partition(planned, table, 5)
    assert sum(cut.computed) == prompt - whole + cut.lost


def test_no_parts_are_refused() -> None:
    table = skewed_table(10, 0)
    with pytest.raises(ValueError, match="at least 1 part, not 0"):
        partition(plan(table), table, 0)
