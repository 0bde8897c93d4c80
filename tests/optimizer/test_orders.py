"""Row and field orders: what they save, against exact oracles and each other."""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparkllm_optimizer.arrangement import Arrangement, arrange, saved_by_row, sort_rows
from sparkllm_optimizer.cells import Cells
from sparkllm_optimizer.options import Algorithm
from sparkllm_optimizer.orders.exact import cluster_exactly
from sparkllm_optimizer.orders.fields import fields_of_rows
from sparkllm_optimizer.orders.fixed import best_single_order
from sparkllm_optimizer.orders.ggr import NO_STOPS, GGRStops, ggr
from sparkllm_optimizer.orders.ophr import ophr
from sparkllm_optimizer.planner import arrange_by
from tests.optimizer.tables import (
    cells_from,
    is_arrangement_of,
    random_cells,
    shared_with_row_before,
    small_cells,
)

ALGORITHMS: tuple[Algorithm, ...] = ("ours", "fixed", "ggr", "sorted")


def saved(arrangement: Arrangement, cells: Cells) -> int:
    return int(saved_by_row(arrangement, cells).sum())


def best_by_trying_all(cells: Cells) -> int:
    """The most that any row order with any field orders shares with the row before."""
    orders = list(permutations(range(cells.columns)))
    best = 0
    for rows in permutations(range(cells.rows)):
        for fields in product(orders, repeat=cells.rows):
            tried = Arrangement(np.array(rows), np.array(fields, np.int16))
            best = max(best, shared_with_row_before(tried, cells))
    return best


@given(st.integers(0, 10**6), st.sampled_from(ALGORITHMS))
@settings(max_examples=60, deadline=None)
def test_every_algorithm_keeps_every_row_and_field(seed: int, algorithm: Algorithm) -> None:
    cells = random_cells(seed, 60, 6)
    assert is_arrangement_of(arrange_by(cells, algorithm), cells)


@given(st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_the_saving_is_the_prefix_hit_count(seed: int) -> None:
    cells = random_cells(seed, 60, 6)
    arrangement = arrange_by(cells, "ours")
    assert saved(arrangement, cells) == shared_with_row_before(arrangement, cells)


@given(small_cells(most_rows=3, most_columns=3))
@settings(max_examples=25, deadline=None)
def test_the_exact_clustering_saves_what_trying_all_orders_finds(cells: Cells) -> None:
    if cells.rows > 1:
        fields = fields_of_rows(cluster_exactly(cells), cells)
        assert saved(arrange(cells, fields), cells) == best_by_trying_all(cells)


@given(small_cells(most_rows=3, most_columns=3))
@settings(max_examples=25, deadline=None)
def test_ophr_saves_what_trying_all_orders_finds(cells: Cells) -> None:
    assert saved(ophr(cells), cells) == best_by_trying_all(cells)


@given(small_cells())
@settings(max_examples=200, deadline=None)
def test_ours_is_within_a_percent_of_the_exact_order(cells: Cells) -> None:
    assert saved(arrange_by(cells, "ours"), cells) >= 0.99 * saved(ophr(cells), cells)


@given(st.integers(0, 10**9))
@settings(max_examples=200, deadline=None)
def test_ours_is_never_below_ggr(seed: int) -> None:
    cells = random_cells(seed, 200, 8)
    ours = saved(arrange_by(cells, "ours"), cells)
    assert ours >= saved(arrange_by(cells, "ggr"), cells)


@given(st.integers(0, 10**9))
@settings(max_examples=40, deadline=None)
def test_ours_is_never_below_the_best_single_order(seed: int) -> None:
    cells = random_cells(seed, 200, 8)
    assert saved(arrange_by(cells, "ours"), cells) >= saved(arrange_by(cells, "fixed"), cells)


@given(small_cells(most_rows=8, most_columns=4))
@settings(max_examples=50, deadline=None)
def test_fixed_is_the_best_of_all_single_orders(cells: Cells) -> None:
    every = (sort_rows(cells, order) for order in permutations(range(cells.columns)))
    best = max(shared_with_row_before(arrangement, cells) for arrangement in every)
    assert saved(sort_rows(cells, best_single_order(cells)), cells) == best


def test_ours_orders_fields_per_group_where_columns_compete() -> None:
    # Half of the rows repeat the first column, the other half the second.
    rows = [[0, 1 + i] for i in range(20)] + [[1 + i, 0] for i in range(20)]
    cells = cells_from(rows, [[10] * 21, [10] * 21])
    assert saved(arrange_by(cells, "fixed"), cells) == 190
    assert saved(arrange_by(cells, "ours"), cells) == 380


def test_ggr_takes_the_group_with_the_highest_hit_count_first() -> None:
    # Squared lengths times further rows: 9 * 2 for value 0 of c0, 16 * 1 for value 0 of c1.
    rows = [[0, 0], [0, 1], [0, 2], [1, 0]]
    cells = cells_from(rows, [[3, 3], [4, 4, 4]])
    arrangement = ggr(cells, {}, GGRStops(hit_count=1))
    assert sorted(arrangement.rows.tolist()[:3]) == [0, 1, 2]
    assert arrangement.fields.tolist()[0] == [0, 1]


def test_ggr_emits_dependent_columns_with_their_group() -> None:
    rows = [[0, 5, 0], [0, 1, 0], [1, 2, 1], [1, 3, 1]]
    cells = cells_from(rows, [[2, 2], [1] * 6, [9, 9]])
    arrangement = ggr(cells, {0: [2], 2: [0]}, GGRStops(hit_count=1))
    assert {tuple(sorted(order[:2])) for order in arrangement.fields.tolist()} == {(0, 2)}


def test_ggr_stops_at_the_published_depth() -> None:
    # Six groups of one column: the fifth and sixth are left to the fixed order.
    rows = [[group, 10 * group + i] for group in range(6) for i in range(3)]
    cells = cells_from(rows, [[400] * 6, [1] * 60])
    deep = ggr(cells, {}, NO_STOPS)
    published = ggr(cells, {})
    assert is_arrangement_of(published, cells)
    assert saved(published, cells) == saved(deep, cells) == 6 * 2 * 400


def test_the_exact_order_refuses_large_tables() -> None:
    cells = cells_from([[0, 0, 0, 0, 0]] * 13, [[1]] * 5)
    with pytest.raises(ValueError, match=r"13 rows × 5 columns"):
        ophr(cells)


def test_an_unknown_algorithm_is_named() -> None:
    cells = cells_from([[0]], [[1]])
    with pytest.raises(ValueError, match="unknown algorithm 'best'"):
        arrange_by(cells, "best")  # type: ignore[arg-type]


@pytest.mark.long
@given(st.integers(0, 10**9))
@settings(max_examples=300, deadline=None)
def test_ours_is_never_below_ggr_without_stops(seed: int) -> None:
    cells = random_cells(seed, 200, 8)
    ours = saved(arrange_by(cells, "ours"), cells)
    assert ours >= saved(arrange_by(cells, "ggr", stops=NO_STOPS), cells)
