"""The best single field order for all rows."""

from dataclasses import dataclass

import numpy as np

from sparkllm_optimizer.cells import Cells
from sparkllm_optimizer.encoding import Codes, Integers, first_occurrences, number_by_appearance

MOST_EXACT_COLUMNS = 12
WIDE_BEAM = 8


@dataclass(frozen=True, slots=True)
class _State:
    """A set of columns placed in some order: the groups [rows] of equal prefixes, what is saved."""

    order: tuple[int, ...]
    groups: Codes
    count: int
    saved: int


def best_single_order(cells: Cells, beam: int | None = None) -> tuple[int, ...]:
    """Return the column order that saves most when rows are sorted by it.

    What a column saves depends only on the set of columns before it, so dynamic programming over
    sets finds the best order; with a `beam` (8 beyond 12 columns) only that many sets of each size
    are kept. A column with one value leads, columns without a repeated value follow at the end.
    """
    constant, repeating, idle = _classes(cells)
    if beam is None and len(repeating) > MOST_EXACT_COLUMNS:
        beam = WIDE_BEAM
    search = _Search(cells, repeating)
    states = {0: _State((), np.zeros(cells.rows, np.int32), min(cells.rows, 1), 0)}
    for _ in repeating:
        larger = {m | 1 << c for m in states for c in repeating if not m >> c & 1}
        grown = [(members, search.grow(members, states)) for members in sorted(larger)]
        grown.sort(key=lambda item: -item[1].saved)
        states = dict(grown[:beam] if beam else grown)
    best = max(states.values(), key=lambda state: state.saved)
    return (*constant, *best.order, *sorted(idle, key=lambda column: -search.heads[column]))


def _classes(cells: Cells) -> tuple[list[int], list[int], list[int]]:
    """Columns with one value, with some repeated ones, and with none repeated."""
    constant: list[int] = []
    repeating: list[int] = []
    idle: list[int] = []
    for column in range(cells.columns):
        distinct = int((np.bincount(cells.codes[:, column]) > 0).sum())
        kind = constant if distinct <= 1 else idle if distinct == cells.rows else repeating
        kind.append(column)
    return constant, repeating, idle


class _Search:
    def __init__(self, cells: Cells, columns: list[int]) -> None:
        self._cells = cells
        self._columns = columns
        self._weights = cells.weights()
        self._totals = self._weights.sum(0, dtype=np.int64)
        self.heads = [int(o[1:].min()) if len(o) > 1 else 0 for o in cells.overlaps]

    def grow(self, members: int, states: dict[int, _State]) -> _State:
        """The best way to a set: its groups are the same whichever column came last."""
        ways = [
            (column, states[members ^ 1 << column])
            for column in self._columns
            if members >> column & 1 and members ^ 1 << column in states
        ]
        column, before = ways[0]
        groups, first = before.groups, np.arange(self._cells.rows, dtype=np.int64)
        if before.count < self._cells.rows:
            codes = self._cells.codes[:, column]
            keys = before.groups.astype(np.int64) * (int(codes.max(initial=0)) + 1) + codes
            groups = number_by_appearance(keys)
            first = first_occurrences(groups)
        saved = [self._saved(column, before, first) for column, before in ways]
        best = int(np.argmax(saved))
        column, before = ways[best]
        return _State((*before.order, column), groups, len(first), saved[best])

    def _saved(self, column: int, before: _State, first: Integers) -> int:
        gain = int(self._totals[column] - self._weights[first, column].sum(dtype=np.int64))
        return before.saved + gain + self.heads[column] * (len(first) - before.count)
