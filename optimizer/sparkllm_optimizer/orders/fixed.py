"""The best single field order for all rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sparkllm_optimizer.cells import Cells
from sparkllm_optimizer.encoding import Integers, number_by_appearance
from sparkllm_optimizer.pairs import PairStatistics, pair_statistics

MOST_EXACT_COLUMNS = 12
WIDE_BEAM = 8
_DENSE = 8


@dataclass(frozen=True, slots=True)
class _State:
    """A set of columns placed in some order.

    `rows` are those that share their prefix with another row, `groups` [rows] numbers their equal
    prefixes densely, `first` [groups] is one row of each. `saved` is what the prefixes save.
    """

    order: tuple[int, ...]
    rows: Integers
    groups: Integers
    first: Integers
    saved: int


def best_single_order(
    cells: Cells,
    beam: int | None = None,
    statistics: PairStatistics | None = None,
    first: Sequence[int] = (),
) -> tuple[int, ...]:
    """Return the column order that saves most when rows are sorted by it.

    What a column saves depends only on the set of columns before it, so dynamic programming over
    sets finds the best order; with a `beam` (8 beyond 12 columns) only that many sets of each size
    are kept, those that save most together with a bound of what is still to come, read from
    `statistics` (made here if there are none). The order begins with the columns `first`; of the
    others one with a single value leads, those without a repeated value follow at the end.
    """
    constant, repeating, idle = ([c for c in kind if c not in first] for kind in _classes(cells))
    if beam is None and len(repeating) > MOST_EXACT_COLUMNS:
        beam = WIDE_BEAM
    search = _Search(cells, repeating, first)
    outlook = (
        _Outlook(repeating, statistics or pair_statistics(cells), cells.rows) if beam else None
    )
    states = {0: search.start}
    for _ in repeating:
        larger = {m | 1 << c for m in states for c in repeating if not m >> c & 1}
        grown = {members: search.grow(members, states) for members in sorted(larger)}
        states = outlook.best(grown, beam) if outlook and beam else grown
        if not any(len(state.rows) for state in states.values()):
            break
    best = max(states.values(), key=lambda state: state.saved)
    left = [column for column in (*repeating, *idle) if column not in best.order]
    return (*first, *constant, *best.order, *sorted(left, key=lambda column: -search.heads[column]))


def _classes(cells: Cells) -> tuple[list[int], list[int], list[int]]:
    """Columns with one value, with some repeated ones, and with none repeated."""
    constant: list[int] = []
    repeating: list[int] = []
    idle: list[int] = []
    for column in range(cells.columns):
        distinct = np.count_nonzero(np.bincount(cells.codes[:, column]))
        kind = constant if distinct <= 1 else idle if distinct == cells.rows else repeating
        kind.append(column)
    return constant, repeating, idle


class _Outlook:
    """A bound of what the columns outside of a set can still save.

    A column saves no more after a set than after any one column of it.
    """

    def __init__(self, columns: list[int], statistics: PairStatistics, rows: int) -> None:
        self._columns = columns
        self._given = statistics.given * (rows / max(statistics.rows, 1))

    def best(self, grown: dict[int, _State], beam: int) -> dict[int, _State]:
        """Keep `beam` sets, in turn by what they save with all of the bound and with half of it."""
        bounds = {members: self._bound(members) for members in grown}
        kept: dict[int, _State] = {}
        ranks = [
            sorted(grown, key=lambda m: -grown[m].saved - share * bounds[m]) for share in (1.0, 0.5)
        ]
        for pair in zip(*ranks, strict=True):
            for members in pair:
                if len(kept) < beam:
                    kept.setdefault(members, grown[members])
        return kept

    def _bound(self, members: int) -> float:
        inside = [column for column in self._columns if members >> column & 1]
        outside = [column for column in self._columns if not members >> column & 1]
        return float(self._given[np.ix_(inside, outside)].min(0).sum())


class _Search:
    def __init__(self, cells: Cells, columns: list[int], first: Sequence[int] = ()) -> None:
        self._columns = columns
        self._codes = {
            column: np.ascontiguousarray(cells.codes[:, column]) for column in (*columns, *first)
        }
        self._weights = {
            column: cells.widths[column][codes] for column, codes in self._codes.items()
        }
        self._sizes = [len(widths) for widths in cells.widths]
        self._rows = cells.rows
        self.heads = [int(o[1:].min()) if len(o) > 1 else 0 for o in cells.overlaps]
        everything = np.arange(cells.rows, dtype=np.int64)
        self.start = _State((), everything, np.zeros(cells.rows, np.int64), everything[:1], 0)
        for column in first:
            self.start = _State((), *self._split(self.start, column), 0)

    def grow(self, members: int, states: dict[int, _State]) -> _State:
        """The best way to a set: its groups are the same whichever column came last."""
        ways = [
            (column, states[members ^ 1 << column])
            for column in self._columns
            if members >> column & 1 and members ^ 1 << column in states
        ]
        column, before = min(ways, key=lambda way: len(way[1].rows))
        rows, groups, first = self._split(before, column)
        saved = [self._saved(column, before, rows, first) for column, before in ways]
        best = int(np.argmax(saved))
        column, before = ways[best]
        return _State((*before.order, column), rows, groups, first, saved[best])

    def _split(self, before: _State, column: int) -> tuple[Integers, Integers, Integers]:
        """Refine groups by a column and drop the rows that are left alone."""
        size = self._sizes[column]
        keys = before.groups * size + self._codes[column].take(before.rows)
        bound = len(before.first) * size
        if bound > _DENSE * len(keys):
            keys = number_by_appearance(keys).astype(np.int64)
            bound = len(keys)
        counts = np.bincount(keys, minlength=bound)
        kept = np.flatnonzero(counts.take(keys) > 1)
        number = np.cumsum(counts > 1) - 1
        groups, rows = number.take(keys.take(kept)), before.rows.take(kept)
        first = np.empty(int(number[-1]) + 1 if len(number) else 0, np.int64)
        first[groups] = rows
        return rows, groups, first

    def _saved(self, column: int, before: _State, rows: Integers, first: Integers) -> int:
        weights = self._weights[column]
        gain = int(weights.take(rows).sum() - weights.take(first).sum())
        fresh = self._groups(rows, first) - self._groups(before.rows, before.first)
        return before.saved + gain + self.heads[column] * fresh

    def _groups(self, rows: Integers, first: Integers) -> int:
        """Equal prefixes of all rows, those of one row included."""
        return self._rows - len(rows) + len(first)
