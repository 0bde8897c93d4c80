"""Planning a window of rows after another one, whose prefixes are still in the cache."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from sparkllm_optimizer.arrangement import Arrangement, arrange, saved_by_row
from sparkllm_optimizer.cells import Cells
from sparkllm_optimizer.encoding import Integers
from sparkllm_optimizer.plan import Plan, arrangement_of, plan_of


@dataclass(frozen=True, slots=True)
class Warm:
    """What the cache holds: the last rows of a window with the plan they were sent by.

    `plan` names the rows of `table`. Keep no more rows than the cache has room for: `last_rows`.
    """

    table: pa.Table
    plan: Plan

    def last_rows(self, count: int) -> "Warm":
        """Return the `count` rows that were sent last."""
        arrangement = arrangement_of(self.plan, tuple(self.table.column_names))
        kept = arrangement.rows[-count:] if count else arrangement.rows[:0]
        part = Arrangement(
            np.arange(len(kept), dtype=np.int64), arrangement.fields[-count:][: len(kept)]
        )
        return Warm(self.table.take(pa.array(kept)), plan_of(part, tuple(self.table.column_names)))


@dataclass(slots=True)
class _Node:
    """A prefix in the cache: for each field that follows in some row, the prefixes by its value."""

    branches: dict[int, dict[int, "_Node"]] = field(default_factory=dict)


def arrange_warm(
    cells: Cells, warm: Warm, arrange_alone: Callable[[Cells], Arrangement]
) -> Arrangement:
    """Arrange the rows after those of `warm`, which come first in `cells`.

    A row follows a cached prefix where that serves it more than its place in the window's own plan
    would; these rows go first, before anything can evict the prefix.
    """
    count = warm.table.num_rows
    new = cells.take(np.arange(count, cells.rows, dtype=np.int64))
    alone = arrange_alone(new)
    cold = saved_by_row(alone, new)
    root = _cached_prefixes(cells, arrangement_of(warm.plan, cells.names))
    weights = new.weights().tolist()
    found = [
        _longest(root, codes, widths)
        for codes, widths in zip(new.codes.tolist(), weights, strict=True)
    ]
    served = np.array([worth for worth, _ in found], np.int64)
    own = np.empty(new.rows, np.int64)
    own[alone.rows] = cold
    follows = served > own
    if not follows.any():
        return alone
    following, others = np.flatnonzero(follows), np.flatnonzero(~follows)
    first = _follow(new, following, [found[row][1] for row in following.tolist()], arrange_alone)
    rest = arrange_alone(new.take(others))
    mixed = Arrangement(
        np.concatenate([first.rows, others[rest.rows]]),
        np.concatenate([first.fields, rest.fields]),
    )
    if _worth(mixed, new, np.where(follows, served, 0)) > _worth(alone, new, served * 0):
        return mixed
    return alone


def _worth(arrangement: Arrangement, cells: Cells, served: Integers) -> int:
    saved = saved_by_row(arrangement, cells)
    return int(np.maximum(saved, served[arrangement.rows]).sum())


def _cached_prefixes(cells: Cells, arrangement: Arrangement) -> _Node:
    root = _Node()
    codes = cells.codes[arrangement.rows]
    for row, fields in zip(codes.tolist(), arrangement.fields.tolist(), strict=True):
        node = root
        for column in fields:
            node = node.branches.setdefault(column, {}).setdefault(row[column], _Node())
    return root


def _longest(node: _Node, codes: list[int], widths: list[int]) -> tuple[int, tuple[int, ...]]:
    """The most a row can be served from cached prefixes, and the fields that lead there."""
    best: tuple[int, tuple[int, ...]] = (0, ())
    for column, values in node.branches.items():
        child = values.get(codes[column])
        if child is not None:
            worth, path = _longest(child, codes, widths)
            if worth + widths[column] > best[0]:
                best = (worth + widths[column], (column, *path))
    return best


def _follow(
    cells: Cells,
    rows: Integers,
    paths: list[tuple[int, ...]],
    arrange_alone: Callable[[Cells], Arrangement],
) -> Arrangement:
    """Put the cached fields first, in the cached order, the others as the window's own plan."""
    part = cells.take(rows)
    planned = arrange_alone(part)
    place = np.empty((len(rows), cells.columns), np.int64)
    place[planned.rows] = np.argsort(planned.fields, axis=1)
    place += cells.columns
    for index, path in enumerate(paths):
        place[index, list(path)] = np.arange(len(path))
    fields = np.argsort(place, axis=1).astype(np.int16)
    arranged = arrange(part, fields)
    return Arrangement(rows[arranged.rows], arranged.fields)
