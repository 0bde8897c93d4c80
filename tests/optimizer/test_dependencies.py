"""Functional dependencies, exact and approximate, and their closure."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sparkllm_optimizer import Dependency, find_dependencies
from sparkllm_optimizer.cells import Cells
from sparkllm_optimizer.dependencies import closure
from sparkllm_optimizer.orders.ties import expand_fields, merge_tied_columns
from sparkllm_optimizer.pairs import pair_statistics
from tests.optimizer.tables import cells_from, small_cells


def error_by_definition(cells: Cells, left: int, right: int) -> float:
    """The least share of rows to drop so that the right column follows from the left one."""
    dropped = 0
    for value in set(cells.codes[:, left].tolist()):
        seen = cells.codes[cells.codes[:, left] == value, right].tolist()
        dropped += len(seen) - max(seen.count(other) for other in seen)
    return dropped / cells.rows


@given(small_cells(), st.sampled_from([0.0, 0.2, 0.5]))
@settings(max_examples=100, deadline=None)
def test_dependencies_are_those_of_the_definition(cells: Cells, tolerance: float) -> None:
    found = {(d.determinant, d.dependent): d.error for d in find_dependencies(cells, tolerance)}
    for left, a in enumerate(cells.names):
        repeats = len(set(cells.codes[:, left].tolist())) < cells.rows
        for right, b in enumerate(cells.names):
            error = error_by_definition(cells, left, right)
            other_repeats = len(set(cells.codes[:, right].tolist())) < cells.rows
            expected = left != right and repeats and other_repeats and error <= tolerance
            assert ((a, b) in found) == expected
            if expected:
                assert np.isclose(found[a, b], error)


def test_exact_dependencies_chain_and_inexact_ones_do_not() -> None:
    chain = [Dependency("class", "department"), Dependency("department", "division")]
    assert set(closure(chain)["class"]) == {"department", "division"}
    loose = [Dependency("title", "id", 0.01), Dependency("id", "price")]
    assert set(closure(loose)) == {"id"}


def test_columns_tied_both_ways_become_one_of_their_joint_worth() -> None:
    cells = cells_from([[0, 1, 0], [0, 1, 1], [1, 0, 0], [1, 0, 1]], [[2, 3], [10, 20], [1, 1]])
    merged = merge_tied_columns(cells, pair_statistics(cells))
    assert merged.classes == ((0, 1), (2,))
    assert merged.cells.widths[0].tolist() == [2 + 20, 3 + 10]
    fields = expand_fields(merged, np.array([[1, 0], [0, 1]], np.int16))
    assert fields.tolist() == [[2, 0, 1], [0, 1, 2]]


def test_one_exception_unties_columns() -> None:
    cells = cells_from([[0, 0], [0, 0], [1, 1], [1, 0]], [[1, 1], [1, 1]])
    assert merge_tied_columns(cells, pair_statistics(cells)).classes == ((0,), (1,))
