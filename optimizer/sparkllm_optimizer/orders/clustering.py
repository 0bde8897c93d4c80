"""The shape of a radix tree as a clustering of rows, grown from the leaves.

Any nested clustering of rows is a radix tree: a cluster's prefix is the set of cells common to all
its rows (its bundle), in any order. Joining two clusters saves the bundle of the joined one once,
so the saving of a tree is the sum of the bundles' worth over its joins:

    rows  a=1 b=2 c=3 │ a=1 b=2 c=4 │ a=1 b=5 c=6
                {a=1 b=2}                              saves a, b once
                        {a=1}                          saves a once

What a cluster shares with others never grows when it is joined, so joining nearest neighbours
wherever they are mutual gives the same tree as always joining the best pair (reducibility, the
argument of the nearest-neighbour chain algorithm). Neighbours are looked for side by side in a few
sort orders, which makes a round linear but for the sorts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from sparkllm_optimizer.cells import Cells
from sparkllm_optimizer.encoding import Codes, Integers

_NO_CELL = -1
_KEY_BITS = 62
_DENSE_CELLS = 400_000
_HASH_SEED = 20

Mask = npt.NDArray[np.bool_]
Weights = npt.NDArray[np.int32]


@dataclass(slots=True)
class _Forest:
    """Clusters made so far: `parents` and `masks` (columns of the bundle) in rounds of creation."""

    parents: list[Integers] = field(default_factory=list)
    masks: list[Mask] = field(default_factory=list)
    size: int = 0

    def add(self, masks: Mask) -> Integers:
        ids = np.arange(self.size, self.size + len(masks), dtype=np.int64)
        self.parents.append(np.full(len(masks), -1, np.int64))
        self.masks.append(masks)
        self.size += len(masks)
        return ids


@dataclass(frozen=True, slots=True)
class Clustering:
    """A finished clustering, clusters numbered from the rows (first) to the root (last).

    `parents` [clusters] (-1 for the root), `masks` [clusters, columns] true for the columns of the
    bundle, `starts` the first cluster of each round of joins: within a round no cluster is another
    one's parent.
    """

    parents: Integers
    masks: Mask
    starts: tuple[int, ...]


def cluster(
    cells: Cells, levels: Sequence[Integers], leaders: Sequence[Sequence[int]]
) -> Clustering:
    """Cluster rows from the leaves up.

    `levels` are nested groups [rows] from coarse to fine: clusters are joined inside the groups of
    the finest level first, then of the next. `leaders` are the column orders in which neighbours
    are looked for.
    """
    forest = _Forest()
    codes, weights = cells.codes.copy(), cells.weights()
    ids = forest.add(np.ones(codes.shape, bool))
    sizes = np.array([len(widths) + 1 for widths in cells.widths], np.int64)
    state = _Active(codes, weights, ids, list(levels), sizes, forest)
    for depth in range(len(levels) - 1, -1, -1):
        while len(state.ids) > 1 and state.join_equal(depth) and state.join_nearest(depth, leaders):
            pass
    if len(state.ids) > 1:
        state.join(np.zeros(len(state.ids), np.int64))
    sizes_of_rounds = [len(masks) for masks in forest.masks]
    starts = np.concatenate([[0], np.cumsum(sizes_of_rounds)[:-1]])
    parents = np.concatenate(forest.parents)
    return Clustering(parents, np.concatenate(forest.masks), tuple(int(s) for s in starts))


@dataclass(slots=True)
class _Active:
    """The clusters not yet joined; a cell outside the bundle has no code and no weight."""

    codes: Codes
    weights: Weights
    ids: Integers
    levels: list[Integers]
    sizes: Integers
    forest: _Forest

    def join(self, labels: Integers) -> None:
        """Join clusters of equal label (0 .. n-1, each used); labels used once stay as they are."""
        count = np.bincount(labels)
        order = np.argsort(labels, kind="stable")
        first = order[np.concatenate([[0], np.cumsum(count)[:-1]])]
        codes, weights = self.codes[first], self.weights[first]
        bundle = codes != _NO_CELL
        joined = np.flatnonzero(count[labels] > 1)
        differs = self.codes[joined] != codes[labels[joined]]
        rows, columns = np.nonzero(differs)
        bundle[labels[joined][rows], columns] = False
        codes[~bundle] = _NO_CELL
        weights[~bundle] = 0
        many = np.flatnonzero(count > 1)
        fresh = self.forest.add(bundle[many])
        ids = self.ids[first]
        ids[many] = fresh
        self._set_parents(self.ids[joined], ids[labels[joined]])
        self.codes, self.weights, self.ids = codes, weights, ids
        self.levels = [level[first] for level in self.levels]

    def _set_parents(self, children: Integers, parents: Integers) -> None:
        start = 0
        for block in self.forest.parents:
            inside = np.flatnonzero((children >= start) & (children < start + len(block)))
            block[children[inside] - start] = parents[inside]
            start += len(block)

    def join_equal(self, depth: int) -> bool:
        """Join clusters with the same bundle at once: no other join could save more of them."""
        mixing = np.random.default_rng(_HASH_SEED).integers(1, 1 << 62, self.codes.shape[1] + 1) | 1
        keys = self.levels[depth] * mixing[-1]
        for column in range(self.codes.shape[1]):
            keys += self.codes[:, column] * mixing[column]
        _, labels = np.unique(keys, return_inverse=True)
        if labels.max(initial=0) + 1 < len(labels):
            self.join(labels)
        return len(self.ids) > 1

    def join_nearest(self, depth: int, leaders: Sequence[Sequence[int]]) -> bool:
        """Join each pair of mutual nearest neighbours of a level; False when there is none."""
        level = self.levels[depth]
        if len(self.ids) ** 2 * self.codes.shape[1] <= _DENSE_CELLS:
            best, partner = self._nearest_of_all(level)
        else:
            best, partner = self._nearest_sorted(level, leaders)
        left = np.flatnonzero((best > 0) & (best == best[partner]))
        if len(left) == 0:
            return False
        right = partner[left]
        chosen = _matching(left, right, len(self.ids))
        labels = np.arange(len(self.ids), dtype=np.int64)
        labels[right[chosen]] = left[chosen]
        _, labels = np.unique(labels, return_inverse=True)
        self.join(labels)
        return True

    def _nearest_of_all(self, level: Integers) -> tuple[Integers, Integers]:
        count = len(self.ids)
        shared = np.zeros((count, count), np.int64)
        for codes, weights in zip(self.codes.T, self.weights.T, strict=True):
            shared += (codes[:, None] == codes[None, :]) * weights
        shared[level[:, None] != level[None, :]] = 0
        np.fill_diagonal(shared, 0)
        partner = shared.argmax(1)
        return shared[np.arange(count), partner], partner

    def _nearest_sorted(
        self, level: Integers, leaders: Sequence[Sequence[int]]
    ) -> tuple[Integers, Integers]:
        best = np.zeros(len(self.ids), np.int64)
        partner = np.arange(len(self.ids), dtype=np.int64)
        for leader in leaders:
            order = np.argsort(self._key(level, leader))
            codes, weights = self.codes[order], self.weights[order]
            equal = codes[1:] == codes[:-1]
            shared = np.einsum("ij,ij->i", equal, weights[1:], dtype=np.int64)
            groups = level[order]
            shared[groups[1:] != groups[:-1]] = 0
            for a, b in ((order[:-1], order[1:]), (order[1:], order[:-1])):
                better = shared > best[a]
                best[a[better]] = shared[better]
                partner[a[better]] = b[better]
        return best, partner

    def _key(self, level: Integers, leader: Sequence[int]) -> Integers:
        keys = level.copy()
        used = int(level.max(initial=0)) + 1
        for column in leader:
            used *= int(self.sizes[column])
            if used >= 1 << _KEY_BITS:
                break
            keys *= self.sizes[column]
            keys += self.codes[:, column]
            keys += 1
        return keys


def _matching(left: Integers, right: Integers, count: int) -> Integers:
    """Choose pairs so that no cluster is in two of them: those that come first at both ends."""
    rank = np.random.default_rng(len(left)).permutation(len(left))
    first = np.full(count, len(left), np.int64)
    np.minimum.at(first, left, rank)
    np.minimum.at(first, right, rank)
    return np.flatnonzero((first[left] == rank) & (first[right] == rank))
