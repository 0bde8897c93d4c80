"""The default: the best radix tree that a budgeted search over its shape finds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from sparkllm_optimizer.arrangement import Arrangement, arrange, saved_by_row, sort_rows
from sparkllm_optimizer.cells import Cells
from sparkllm_optimizer.encoding import Integers, number_by_appearance
from sparkllm_optimizer.orders.clustering import Clustering, cluster, saved_cells
from sparkllm_optimizer.orders.exact import MOST_ROWS, cluster_exactly
from sparkllm_optimizer.orders.fields import fields_of_rows
from sparkllm_optimizer.orders.fixed import best_single_order
from sparkllm_optimizer.orders.peeling import peel
from sparkllm_optimizer.orders.ties import Merged, expand_fields, merge_tied_columns
from sparkllm_optimizer.pairs import PairStatistics, pair_statistics

_SAMPLE_ROWS = 2_000
_BEAM = 2
_SECONDS_PER_CELL = 4e-7
_BLOCK = 250
_GROUP = 64
_GROUPS = 256
_TOP_ROWS = 16
_FEW_ROWS = 1_024
_MOST_SEARCHED_ROWS = 256
_FEWEST_LEADERS = 3
_MOST_SORTED_ROWS = 2_000_000
_MOST_JUDGED_ROWS = 200_000


@dataclass(frozen=True, slots=True)
class Search:
    """How far to search: a unit (token) saved is worth `unit_seconds`, all may cost `seconds`."""

    unit_seconds: float = 2e-4
    seconds: float = 10.0


def ours(cells: Cells, search: Search | None = None) -> Arrangement:
    """Arrange a table by clustering its rows into a radix tree.

    Candidates are the best single order and clusterings that start from different coarse groups;
    the exact saving decides. The search ends where all that repetition could still save, or from
    the third candidate on the last one's gain, isn't worth a candidate's estimated time; a table
    of a few hundred rows gets all candidates, one of hundreds of thousands is decided by the whole
    cells that clusterings save. The estimate depends on the size of the table alone, so equal input
    gives equal plans.
    """
    if cells.rows < 2 or cells.columns == 0:
        return sort_rows(cells, range(cells.columns))
    search = search or Search()
    statistics = pair_statistics(cells, _SAMPLE_ROWS)
    merged = merge_tied_columns(cells, statistics)
    if merged.cells.columns < cells.columns:
        statistics = pair_statistics(merged.cells, _SAMPLE_ROWS)
    order = _single_order(merged.cells, statistics)
    candidates = _candidates(merged.cells, order, statistics)
    seconds = merged.cells.rows * merged.cells.columns * _SECONDS_PER_CELL
    if cells.rows > _MOST_JUDGED_ROWS:
        affordable = max(1, int(search.seconds / seconds))
        chosen = max(
            islice(candidates, affordable), key=lambda tree: saved_cells(tree, merged.cells)
        )
        return _arranged(chosen, merged, cells)
    fields = [column for lead in order for column in merged.classes[lead]]
    best = _judge(sort_rows(cells, fields), cells)
    if (_most(merged.cells) - best.saved) * search.unit_seconds < seconds:
        return best.arrangement
    left = search.seconds
    sure = 1 if cells.rows > _FEW_ROWS else 2
    for tried, tree in enumerate(candidates, start=1):
        candidate = _judge(_arranged(tree, merged, cells), cells)
        gain = candidate.saved - best.saved
        best = candidate if gain > 0 else best
        left -= seconds
        idle = tried > sure and gain * search.unit_seconds < seconds
        if left < seconds or (idle and cells.rows > _MOST_SEARCHED_ROWS):
            break
    return best.arrangement


def _arranged(tree: Clustering, merged: Merged, cells: Cells) -> Arrangement:
    return arrange(cells, expand_fields(merged, fields_of_rows(tree, merged.cells)))


@dataclass(frozen=True, slots=True)
class _Candidate:
    arrangement: Arrangement
    saved: int


def _judge(arrangement: Arrangement, cells: Cells) -> _Candidate:
    return _Candidate(arrangement, int(saved_by_row(arrangement, cells).sum()))


def _candidates(
    cells: Cells, order: Sequence[int], statistics: PairStatistics
) -> Iterator[Clustering]:
    """Clusterings, the most promising start first."""
    if cells.rows <= MOST_ROWS:
        yield cluster_exactly(cells)
        return
    leaders = _leaders(cells, statistics)
    prefixes = _prefix_groups(cells, order)
    top = [groups for groups in prefixes if int(groups.max()) * _TOP_ROWS < cells.rows]
    yield cluster(cells, top, leaders)
    if len(top) > 1:
        yield cluster(cells, top[:1], leaders)
    if cells.rows <= _FEW_ROWS:
        yield cluster(cells, prefixes, leaders)
        for smallest, power in ((_GROUP, 1), (_TOP_ROWS, 1), (2, 1), (2, 2)):
            if cells.rows >= 2 * smallest:
                yield cluster(cells, peel(cells, smallest, power), leaders)


def _prefix_groups(cells: Cells, order: Sequence[int]) -> list[Integers]:
    """Nested groups [rows] of equal prefixes under a single order, from none to all columns."""
    groups = np.zeros(cells.rows, np.int32)
    nested = [groups.astype(np.int64)]
    for column in order:
        size = len(cells.widths[column])
        groups = number_by_appearance(groups.astype(np.int64) * size + cells.codes[:, column])
        if int(groups.max()) == cells.rows - 1:
            break
        nested.append(groups.astype(np.int64))
    return nested


def _leaders(cells: Cells, statistics: PairStatistics) -> list[list[int]]:
    """Column orders to look for neighbours in: each column first, then what repeats with it.

    Dependencies, exact or not, one-way or not, show as what the other columns save given the
    first. Only as many orders as the table's size allows, those that save most.
    """
    repeating = [
        column
        for column in np.argsort(-statistics.saved, kind="stable").tolist()
        if statistics.distinct[column] > 1 and statistics.saved[column] > 0
    ]
    affordable = max(_FEWEST_LEADERS, _MOST_SORTED_ROWS // cells.rows)
    orders = []
    for first in repeating[:affordable]:
        others = np.argsort(-statistics.given[first], kind="stable").tolist()
        orders.append([first, *(column for column in others if column != first)])
    return orders


def _most(cells: Cells) -> int:
    """An upper bound of what can be saved: all but what each distinct cell has of its own."""
    most = cells.total()
    for column, (widths, overlaps) in enumerate(zip(cells.widths, cells.overlaps, strict=True)):
        seen = np.flatnonzero(np.bincount(cells.codes[:, column], minlength=len(widths)))
        most -= int(widths[seen].sum() - overlaps[seen].sum())
    return most


def _single_order(cells: Cells, statistics: PairStatistics) -> tuple[int, ...]:
    if cells.rows <= _SAMPLE_ROWS:
        return best_single_order(cells, _BEAM, statistics)
    starts = np.linspace(0, cells.rows - _BLOCK, _SAMPLE_ROWS // _BLOCK).astype(np.int64)
    sample = np.unique((starts[:, None] + np.arange(_BLOCK)).ravel())
    return best_single_order(cells.take(sample), _BEAM, statistics)
