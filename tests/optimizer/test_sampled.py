"""One order and even parts for rows of which a sample is known."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from sparkllm_optimizer import PlanOptions, common_order, part_beginnings, plan, prefix_hits


def work(rows: pa.Table) -> int:
    options = PlanOptions("asWritten")
    hits = prefix_hits(plan(rows, options), rows, options)
    return hits.prompt - hits.previous


@given(st.lists(st.lists(st.sampled_from("abc"), min_size=3, max_size=3), max_size=9), st.data())
def test_an_order_has_all_columns_and_begins_as_asked(
    rows: list[list[str]], data: st.DataObject
) -> None:
    table = pa.table({str(c): pa.array([row[c] for row in rows], pa.utf8()) for c in range(3)})
    first = data.draw(st.permutations([0, 1, 2]))[: data.draw(st.integers(0, 3))]
    order = common_order(table, first)
    assert order[: len(first)] == first
    assert sorted(order) == [0, 1, 2]


def test_columns_after_given_ones_are_in_the_order_that_is_best_there() -> None:
    """Inside a shop nothing repeats but the article; over all rows the city does, too."""
    shops = np.arange(60) % 3
    table = pa.table(
        {
            "shop": [f"shop {s}" for s in shops],
            "id": [str(i) for i in range(60)],
            "city": [f"a long city name {s}" for s in np.arange(60) // 2],
            "article": [f"article {i}" for i in np.arange(60) // 30],
        }
    )
    assert common_order(table, [0])[:2] == [0, 3]


def test_parts_have_equal_work_where_one_value_has_most_rows() -> None:
    rng = np.random.default_rng(0)
    table = pa.table(
        {
            "product": np.where(
                rng.random(5000) < 0.6, "hot", rng.integers(0, 99, 5000).astype(str)
            ),
            "review": [f"{'review ' * (i % 40)}{i}" for i in range(5000)],
        }
    )
    begins = part_beginnings(table, [0, 1], 8)
    assert len(begins) == 7
    keys = list(zip(*(table.column(name).to_pylist() for name in table.column_names), strict=True))
    bounds = sorted(keys[row] for row in begins)
    part = np.array([sum(bound <= key for bound in bounds) for key in keys])
    computed = [work(table.take(pa.array(np.flatnonzero(part == one)))) for one in range(8)]
    assert max(computed) / np.mean(computed) <= 1.15


def test_a_sample_of_few_rows_begins_fewer_parts() -> None:
    table = pa.table({"a": ["x", "y"]})
    assert len(part_beginnings(table, [0], 8)) <= 2
    assert len(part_beginnings(table.slice(0, 0), [0], 8)) == 0
