"""Planning a window of rows after another one, whose prefixes are still in the cache."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from sparkllm_optimizer.arrangement import Arrangement, arrange, saved_by_row
from sparkllm_optimizer.cells import Cells, weigh
from sparkllm_optimizer.encoding import Integers, encode_table
from sparkllm_optimizer.options import PlanOptions
from sparkllm_optimizer.plan import Group, Plan, arrangement_of, plan_of


@dataclass(frozen=True, slots=True)
class Warm:
    """What the cache holds: the last rows of a window with the plan they were sent by.

    `plan` names the rows of `table`. Keep no more than the cache has room
    for: `last_tokens`.
    """

    table: pa.Table
    plan: Plan

    def followed_by(self, table: pa.Table, plan: Plan) -> "Warm":
        """Return this state with one more window after it."""
        start = self.table.num_rows
        groups = (Group(group.row_ids + start, group.columns) for group in plan.groups)
        joined = pa.concat_tables([self.table, table], promote_options="permissive")
        return Warm(joined, Plan((*self.plan.groups, *groups)))

    def last_rows(self, count: int) -> "Warm":
        """Return the `count` rows that were sent last."""
        names = tuple(self.table.column_names)
        arrangement = arrangement_of(self.plan, names)
        first = max(len(arrangement.rows) - count, 0)
        kept = arrangement.rows[first:]
        part = Arrangement(np.arange(len(kept), dtype=np.int64), arrangement.fields[first:])
        return Warm(self.table.take(pa.array(kept)), plan_of(part, names))

    def last_tokens(self, budget: int, options: PlanOptions | None = None) -> "Warm":
        """Return the rows sent last that a cache of `budget` tokens can still hold."""
        options = options or PlanOptions()
        table = encode_table(self.table)
        cells = weigh(table, options.measure, options.tokenize, options.render)
        arrangement = arrangement_of(self.plan, cells.names)
        kept = cells.take(arrangement.rows).weights().sum(1, dtype=np.int64)
        kept -= saved_by_row(arrangement, cells)
        return self.last_rows(int((np.cumsum(kept[::-1]) <= budget).sum()))


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
    root = _cached_prefixes(cells, arrangement_of(warm.plan, cells.names))
    weights = new.weights().tolist()
    found = [
        _longest(root, codes, widths)
        for codes, widths in zip(new.codes.tolist(), weights, strict=True)
    ]
    own = np.empty(new.rows, np.int64)
    own[alone.rows] = _served(alone, new, root)
    follows = np.array([worth for worth, _ in found], np.int64) > own
    if not follows.any():
        return alone
    following, others = np.flatnonzero(follows), np.flatnonzero(~follows)
    first = _follow(new, following, [found[row][1] for row in following.tolist()], arrange_alone)
    rest = arrange_alone(new.take(others))
    mixed = Arrangement(
        np.concatenate([first.rows, others[rest.rows]]),
        np.concatenate([first.fields, rest.fields]),
    )
    return mixed if _served(mixed, new, root).sum() > own.sum() else alone


def _served(arrangement: Arrangement, cells: Cells, root: "_Node") -> Integers:
    """What each row is served, in evaluation order, from the row before or from the cache."""
    ordered = cells.take(arrangement.rows)
    rows = zip(ordered.codes.tolist(), ordered.weights().tolist(), strict=True)
    cached = np.zeros(cells.rows, np.int64)
    for index, (codes, widths) in enumerate(rows):
        node = root
        for column in arrangement.fields[index].tolist():
            child = node.branches.get(column, {}).get(codes[column])
            if child is None:
                break
            node = child
            cached[index] += widths[column]
    return np.maximum(cached, saved_by_row(arrangement, cells))


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
