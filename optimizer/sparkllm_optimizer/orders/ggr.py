"""Greedy Group Recursion as published: arXiv 2403.05821, Algorithm 1.

Three misprints of the algorithm are corrected: the lengths of dependent columns enter squared,
their values are emitted with the group's, and the two recursive results are joined the other way
round. Unlike the public artifact it never cuts a table into pieces. Groups are counted anew in each
step, as in the paper; this is the reference to compare with, written to be read.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sparkllm_optimizer.arrangement import Arrangement
from sparkllm_optimizer.cells import Cells


@dataclass(frozen=True, slots=True)
class GGRStops:
    """Where the recursion gives way to a fixed order by statistics.

    `row_depth` counts recursions into remaining rows, `column_depth` into the rows of a group;
    `hit_count` is the least score of a group, in squared lengths. None: no stop.
    """

    row_depth: int | None = 4
    column_depth: int | None = 2
    hit_count: int = 100_000


NO_STOPS = GGRStops(None, None, 0)


def ggr(
    cells: Cells, dependents: Mapping[int, Sequence[int]], stops: GGRStops | None = None
) -> Arrangement:
    """Arrange a table by GGR.

    `cells` are weighed in characters or tokens (their squares are taken here); `dependents` are
    the columns that follow from a column.
    """
    recursion = _Recursion(cells, dependents, stops or GGRStops())
    recursion.arrange(list(range(cells.rows)), list(range(cells.columns)), [], 0, 0)
    rows = np.array(recursion.rows, np.int64)
    fields = np.array(recursion.fields, np.int16).reshape(cells.rows, cells.columns)
    return Arrangement(rows, fields)


class _Recursion:
    def __init__(
        self, cells: Cells, dependents: Mapping[int, Sequence[int]], stops: GGRStops
    ) -> None:
        self._table = cells.codes.tolist()
        self._lengths = [widths.tolist() for widths in cells.widths]
        self._dependents = dependents
        self._stops = stops
        self.rows: list[int] = []
        self.fields: list[list[int]] = []

    def arrange(
        self, rows: list[int], columns: list[int], prefix: list[int], row_depth: int, depth: int
    ) -> None:
        while rows:
            group = None
            if len(rows) > 1 and columns and not self._stopped(row_depth, depth):
                group = self._best_group(rows, columns)
            if group is None:
                self._fixed(rows, columns, prefix)
                return
            column, value, together = group
            inside = [row for row in rows if self._table[row][column] == value]
            rest = [c for c in columns if c not in together]
            self.arrange(inside, rest, prefix + together, row_depth, depth + 1)
            rows = [row for row in rows if self._table[row][column] != value]
            row_depth += 1

    def _stopped(self, row_depth: int, depth: int) -> bool:
        stops = self._stops
        too_many_rows = stops.row_depth is not None and row_depth >= stops.row_depth
        return too_many_rows or (stops.column_depth is not None and depth >= stops.column_depth)

    def _best_group(self, rows: list[int], columns: list[int]) -> tuple[int, int, list[int]] | None:
        best = max(self._stops.hit_count - 1, 0)
        group = None
        for column in columns:
            together = [column, *(c for c in self._dependents.get(column, ()) if c in columns)]
            counts = Counter(self._table[row][column] for row in rows)
            dependent_lengths = self._mean_lengths(rows, column, together[1:], counts)
            for value, count in counts.items():
                worth = self._lengths[column][value] ** 2 + dependent_lengths.get(value, 0.0)
                if worth * (count - 1) > best:
                    best = worth * (count - 1)
                    group = (column, value, together)
        return group

    def _mean_lengths(
        self, rows: list[int], column: int, dependents: list[int], counts: Counter[int]
    ) -> dict[int, float]:
        """Sum over the dependent columns of the squared mean length, for each value."""
        squares: dict[int, float] = {}
        for dependent in dependents:
            sums: Counter[int] = Counter()
            for row in rows:
                cells = self._table[row]
                sums[cells[column]] += self._lengths[dependent][cells[dependent]]
            for value, total in sums.items():
                squares[value] = squares.get(value, 0.0) + (total / counts[value]) ** 2
        return squares

    def _fixed(self, rows: list[int], columns: list[int], prefix: list[int]) -> None:
        order = sorted(columns, key=lambda column: -self._statistic(rows, column))
        for row in sorted(rows, key=lambda row: [self._table[row][c] for c in order]):
            self.rows.append(row)
            self.fields.append(prefix + order)

    def _statistic(self, rows: list[int], column: int) -> float:
        """Mean squared length times the mean number of repetitions, as in the artifact."""
        values = [self._table[row][column] for row in rows]
        squares = sum(self._lengths[column][value] ** 2 for value in values)
        repetition = len(rows) / len(set(values)) - 1
        return float(squares / len(rows) * repetition)
