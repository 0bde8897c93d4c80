"""The shape of a radix tree as a clustering of rows, grown from the leaves.

Any nested clustering of rows is a radix tree: a cluster's prefix is the set of cells common to all
its rows (its bundle), in any order. Joining clusters saves the bundle of the joined one for each
but the first, so the saving of a tree is the sum of the bundles' worth over its joins:

    rows  a=1 b=2 c=3 │ a=1 b=2 c=4 │ a=1 b=5 c=6
                {a=1 b=2}                              saves a, b once
                        {a=1}                          saves a once

What a cluster shares with others never grows when it is joined, so joining nearest neighbours
wherever they are mutual gives the same tree as always joining the best pair (reducibility, the
argument of the nearest-neighbour chain algorithm). Neighbours are looked for side by side in a few
sort orders, which makes a round linear; a run of neighbours with the same cells in common is joined
at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sparkllm_optimizer.cells import Cells
from sparkllm_optimizer.encoding import Integers
from sparkllm_optimizer.sorting import Column, order_by

_NO_CELL = 0
_DENSE_CELLS = 400_000
_DIGITS = 4
_EXACT_IN_FLOAT32 = 1 << 24
_HASH_SEED = 20

Mask = npt.NDArray[np.bool_]
Weights = npt.NDArray[np.float32] | npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Clustering:
    """A finished clustering, clusters numbered from the rows (first) to the root (last).

    `parents` [clusters] (-1 for the root) have higher numbers than their children, `masks`
    [clusters, columns] are true for the columns of the bundle, `samples` [clusters] is one row of
    each cluster.
    """

    parents: Integers
    masks: Mask
    samples: Integers


def saved_cells(clustering: Clustering, cells: Cells) -> int:
    """Return the worth of the whole cells that a clustering saves: one bundle for each join."""
    joined = np.arange(cells.rows, len(clustering.parents))
    bundles = cells.weights().take(clustering.samples[joined], axis=0) * clustering.masks[joined]
    below = clustering.parents[clustering.parents >= 0]
    joins = np.bincount(below, minlength=len(clustering.parents))[joined] - 1
    return int(bundles.sum(1, dtype=np.int64) @ joins)


def cluster(
    cells: Cells, levels: Sequence[Integers], leaders: Sequence[Sequence[int]]
) -> Clustering:
    """Cluster rows from the leaves up.

    `levels` are nested groups [rows], from one of all rows to fine ones: clusters are joined inside
    the groups of the finest level first, then of the next. `leaders` are the column orders in which
    neighbours are looked for.
    """
    state = _Active(cells, levels)
    for depth in range(len(levels) - 1, -1, -1):
        while not state.few() and state.join_nearest(depth, leaders):
            pass
        if state.few():
            state.join_best(depth)
    if len(state.ids) > 1:
        state.join(np.zeros(len(state.ids), np.int64))
    return state.clustering()


@dataclass(frozen=True, slots=True)
class _Side:
    """Clusters side by side in a sort order.

    `order` [clusters]; `shared` [clusters - 1] is what each shares with the next one, `equal`
    [clusters - 1, columns] in which columns.
    """

    order: Integers
    shared: Weights
    equal: Mask


class _Active:
    """The clusters not yet joined; a cell outside the bundle has no code and no weight."""

    def __init__(self, cells: Cells, levels: Sequence[Integers]) -> None:
        rows, columns = cells.codes.shape
        largest = sum(int(widths.max(initial=0)) for widths in cells.widths)
        exact = largest < _EXACT_IN_FLOAT32
        self.ids = np.arange(rows, dtype=np.int64)
        self._sizes = [len(widths) + 1 for widths in cells.widths]
        small = max(self._sizes, default=1) <= 1 << 16
        # Codes move up by one to make room for the missing cell.
        self._codes = (cells.codes + 1).astype(np.uint16 if small else np.int32)
        weights = cells.weights()
        self._weights: Weights = weights.astype(np.float32) if exact else weights.astype(np.float64)
        self._levels = list(levels)
        # A binary tree has at most this many clusters.
        self._parents = np.full(2 * rows, -1, np.int64)
        self._masks = np.ones((2 * rows, columns), bool)
        self._samples = np.resize(self.ids, 2 * rows)
        self._count: int = rows
        self._ones: Weights = np.ones(columns, self._weights.dtype)
        mixing = np.random.default_rng(_HASH_SEED).integers(1, 1 << 62, columns)
        self._mixing = mixing.astype(np.int64)

    def clustering(self) -> Clustering:
        """Return what was made, with the root on top."""
        made = self._count
        return Clustering(self._parents[:made], self._masks[:made], self._samples[:made])

    def few(self) -> bool:
        """Whether all pairs of clusters can be looked at."""
        return len(self.ids) ** 2 * len(self._ones) <= _DENSE_CELLS

    def join(self, labels: Integers) -> None:
        """Join clusters of equal label, each label the position of one of its clusters."""
        count = np.bincount(labels, minlength=len(labels))
        first = np.flatnonzero(count)
        renumbered = np.empty(len(labels), np.int64)
        renumbered[first] = np.arange(len(first))
        kept = labels == np.arange(len(labels))
        joined = np.flatnonzero(~kept)
        into = renumbered[labels[joined]]
        codes, weights = self._codes.take(first, axis=0), self._weights.take(first, axis=0)
        differs = self._codes.take(joined, axis=0) != codes.take(into, axis=0)
        rows, columns = np.nonzero(differs)
        codes[into[rows], columns] = _NO_CELL
        weights[into[rows], columns] = 0
        many = np.flatnonzero(count[first] > 1)
        ids = self.ids[first]
        fresh = np.arange(self._count, self._count + len(many), dtype=np.int64)
        self._masks[fresh] = codes.take(many, axis=0) != _NO_CELL
        self._samples[fresh] = self._samples[self.ids[first[many]]]
        self._count += len(many)
        self._parents[self.ids[first[many]]] = fresh
        ids[many] = fresh
        self._parents[self.ids[joined]] = ids[into]
        self._codes, self._weights, self.ids = codes, weights, ids
        self._levels = [level[first] for level in self._levels]

    def join_best(self, depth: int) -> None:
        """Join the pair with most in common, as long as there is one in the same group."""
        level = self._levels[depth]
        codes, weights, ids = self._codes.copy(), self._weights.copy(), self.ids.copy()
        shared = self._shared_by_all()
        shared[level[:, None] != level[None, :]] = 0
        np.fill_diagonal(shared, 0)
        count = len(ids)
        alive = np.ones(count, bool)
        while count:
            kept, gone = divmod(int(shared.argmax()), count)
            if shared[kept, gone] <= 0:
                break
            common = codes[kept] == codes[gone]
            codes[kept] *= common
            weights[kept] *= common
            alive[gone] = False
            ids[kept] = self._add(codes[kept] != _NO_CELL, ids[kept], ids[gone])
            row = ((codes == codes[kept]) * weights[kept]) @ self._ones
            row *= shared[kept] > 0  # what shared nothing, or is gone, or in another group
            row[kept] = 0
            shared[kept] = shared[:, kept] = row
            shared[gone] = shared[:, gone] = 0
        left = np.flatnonzero(alive)
        self._codes, self._weights, self.ids = codes[left], weights[left], ids[left]
        self._levels = [level[left] for level in self._levels]

    def _add(self, mask: Mask, left: int, right: int) -> int:
        made = self._count
        self._masks[made], self._samples[made] = mask, self._samples[left]
        self._parents[left] = self._parents[right] = made
        self._count += 1
        return made

    def _shared_by_all(self) -> Weights:
        count = len(self.ids)
        shared = np.zeros((count, count), self._weights.dtype)
        for codes, weights in zip(self._codes.T, self._weights.T, strict=True):
            shared += (codes[:, None] == codes[None, :]) * weights
        return shared

    def join_nearest(self, depth: int, leaders: Sequence[Sequence[int]]) -> bool:
        """Join mutual nearest neighbours of a level; False when there are none.

        Neighbours are looked for side by side in the orders of `leaders`. A run of pairs with the
        same cells in common is one cluster.
        """
        level = self._levels[depth] if depth else None
        columns = list(zip(np.ascontiguousarray(self._codes.T), self._sizes, strict=True))
        best = np.zeros(len(self.ids), self._weights.dtype)
        sides = []
        for leader in leaders:
            side = self._side_by_side([columns[column] for column in leader], level)
            most = best.take(side.order)
            np.maximum(most[1:], side.shared, out=most[1:])
            np.maximum(most[:-1], side.shared, out=most[:-1])
            best[side.order] = most
            sides.append(side)
        labels = np.arange(len(self.ids), dtype=np.int64)
        for side in sides:
            self._label_runs(side, best, labels)
        if (labels == np.arange(len(labels))).all():
            return False
        self.join(labels)
        return True

    def _side_by_side(self, keys: list[tuple[Column, int]], level: Integers | None) -> _Side:
        if level is not None:
            keys = [(level, int(level.max()) + 1), *keys]
        order = order_by(keys, _DIGITS)
        codes = self._codes.take(order, axis=0)
        equal = codes[1:] == codes[:-1]
        weights = self._weights.take(order[1:], axis=0)
        weights *= equal
        shared = weights @ self._ones
        if level is not None:
            groups = level.take(order)
            shared[groups[1:] != groups[:-1]] = 0
        return _Side(order, shared, equal)

    def _label_runs(self, side: _Side, best: Weights, labels: Integers) -> None:
        """Label runs of mutual nearest neighbours that are not in a cluster of this round yet."""
        most, label = best.take(side.order), labels.take(side.order)
        joined = np.bincount(labels, minlength=len(labels)) != 1
        free = (label == side.order) & ~joined.take(side.order)
        mutual = (side.shared == most[1:]) & (side.shared == most[:-1]) & (side.shared > 0)
        edge = np.flatnonzero(mutual & free[1:] & free[:-1])
        if len(edge) == 0:
            return
        common = side.equal.take(edge, axis=0) @ self._mixing
        fresh = np.ones(len(edge), bool)
        follows = edge[1:] == edge[:-1] + 1
        fresh[1:] = ~follows | (common[1:] != common[:-1])
        # The row between two runs belongs to the first; the second begins with the next row.
        taken = np.zeros(len(edge), bool)
        taken[1:] = fresh[1:] & follows
        root = (edge + taken)[fresh][np.cumsum(fresh) - 1]
        labels[side.order[edge + 1]] = side.order[root]
