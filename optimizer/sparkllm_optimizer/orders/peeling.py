"""Large groups of rows with a common value, peeled off greedily from the top of the tree."""

from collections.abc import Sequence

import numpy as np

from sparkllm_optimizer.cells import Cells
from sparkllm_optimizer.encoding import Integers


def peel(cells: Cells, smallest: int, power: int = 1) -> list[Integers]:
    """Return nested groups of rows, from coarse to fine, each level [rows].

    As in GGR (arXiv 2403.05821, Algorithm 1) the value whose repetition saves most is split off
    first, then its rows and the remaining ones are split further; but only into groups of at least
    `smallest` rows, so the number of steps doesn't grow with the number of distinct values. The
    worth of a value counts to the given `power`; GGR takes 2.
    """
    peeling = _Peeling(cells, smallest, power)
    peeling.split(np.arange(cells.rows, dtype=np.int64), list(range(cells.columns)), 0)
    groups = np.zeros(cells.rows, np.int64)
    nested = [groups]
    for level in peeling.levels:
        _, groups = np.unique(groups * (peeling.groups + 1) + level, return_inverse=True)
        nested.append(groups.astype(np.int64))
    return nested


class _Peeling:
    def __init__(self, cells: Cells, smallest: int, power: int) -> None:
        self._codes = np.ascontiguousarray(cells.codes.T)
        self._worth = [widths**power for widths in cells.widths]
        self._rows = cells.rows
        self._smallest = smallest
        self.levels: list[Integers] = []
        self.groups = 0

    def split(self, rows: Integers, columns: Sequence[int], depth: int) -> None:
        while len(rows) >= self._smallest and columns:
            columns, best = self._best_value(rows, columns)
            if best is None:
                return
            column, value = best
            has_value = self._codes[column][rows] == value
            group = rows[has_value]
            self._name(group, depth)
            self.split(group, self._varying(group, columns), depth + 1)
            rows = rows[~has_value]

    def _best_value(
        self, rows: Integers, columns: Sequence[int]
    ) -> tuple[list[int], tuple[int, int] | None]:
        """The value to split off, and the columns that still have values frequent enough."""
        best, chosen = 0, None
        frequent = []
        for column in columns:
            counts = np.bincount(self._codes[column][rows])
            large = np.flatnonzero(counts >= self._smallest)
            if len(large) == 0:
                continue
            frequent.append(column)
            scores = (counts[large] - 1) * self._worth[column][large]
            top = int(scores.argmax())
            if scores[top] > best:
                best, chosen = int(scores[top]), (column, int(large[top]))
        return frequent, chosen

    def _varying(self, rows: Integers, columns: Sequence[int]) -> list[int]:
        first = rows[0]
        return [c for c in columns if (self._codes[c][rows] != self._codes[c][first]).any()]

    def _name(self, rows: Integers, depth: int) -> None:
        if depth == len(self.levels):
            self.levels.append(np.zeros(self._rows, np.int64))
        self.groups += 1
        self.levels[depth][rows] = self.groups
