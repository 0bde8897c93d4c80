"""The best clustering of a handful of rows, by dynamic programming over their subsets."""

import numpy as np

from sparkllm_optimizer.cells import Cells
from sparkllm_optimizer.encoding import Integers
from sparkllm_optimizer.orders.clustering import Clustering

MOST_ROWS = 8


def cluster_exactly(cells: Cells) -> Clustering:
    """Return a clustering with the largest saving of all; 3^rows steps, so at most 8 rows.

    Every radix tree is a clustering, so no arrangement shares more whole cells, those of OPHR
    included.
    """
    count = cells.rows
    if not 2 <= count <= MOST_ROWS:
        raise ValueError(f"an exact clustering takes 2 to {MOST_ROWS} rows, not {count}")
    bundles = _bundles(cells)
    worth = (bundles * cells.weights()[_lowest_rows(count)]).sum(1).tolist()
    best = [0] * (1 << count)
    split = [0] * (1 << count)
    for members in range(1, 1 << count):
        low = members & -members
        rest = members ^ low
        if not rest:
            continue
        most, part = -1, 0
        # Subsets of the rest, so that one half always has the lowest row.
        other = rest
        while other:
            saved = best[other] + best[members ^ other]
            if saved > most:
                most, part = saved, other
            other = (other - 1) & rest
        best[members], split[members] = most + worth[members], part
    return _clustering(count, split, bundles)


def _lowest_rows(count: int) -> Integers:
    members = np.arange(1 << count)
    return np.array([(m & -m).bit_length() - 1 if m else 0 for m in members.tolist()], np.int64)


def _bundles(cells: Cells) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """The columns on which the rows of a subset agree: [subsets, columns]."""
    count = cells.rows
    bundles = np.ones((1 << count, cells.columns), bool)
    for members in range(1, 1 << count):
        low = (members & -members).bit_length() - 1
        rest = members & (members - 1)
        if rest:
            second = (rest & -rest).bit_length() - 1
            bundles[members] = bundles[rest] & (cells.codes[low] == cells.codes[second])
    return bundles


def _clustering(
    count: int, split: list[int], bundles: np.ndarray[tuple[int, int], np.dtype[np.bool_]]
) -> Clustering:
    """Number the clusters by size, so that the children of a cluster come before it."""
    whole = (1 << count) - 1
    chosen = []
    pending = [whole]
    while pending:
        members = pending.pop()
        chosen.append(members)
        if split[members]:
            pending += [split[members], members ^ split[members]]
    chosen.sort(key=lambda members: (members.bit_count(), members))
    ids = {members: index for index, members in enumerate(chosen)}
    parents = np.full(len(chosen), -1, np.int64)
    for members in chosen:
        if split[members]:
            parents[ids[split[members]]] = parents[ids[members ^ split[members]]] = ids[members]
    samples = np.array([(members & -members).bit_length() - 1 for members in chosen], np.int64)
    return Clustering(parents, bundles[chosen], samples)
