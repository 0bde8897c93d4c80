"""From a clustering to the field order of each row."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sparkllm_optimizer.arrangement import Fields, range_minimum
from sparkllm_optimizer.cells import Cells
from sparkllm_optimizer.encoding import Integers
from sparkllm_optimizer.orders.clustering import Clustering, Mask


@dataclass(frozen=True, slots=True)
class _Tree:
    """The radix tree of a clustering: its clusters that add a field to the prefix above them.

    Node 0 is the root. `parents` [nodes] is the next node above (the root is its own), `levels`
    [nodes] the number of nodes above, `samples` [nodes] one row of each, `added` [nodes, columns]
    the fields that a node adds. `rows` [rows] is the lowest node of each row.
    """

    parents: Integers
    levels: Integers
    samples: Integers
    added: Mask
    rows: Integers


def fields_of_rows(clustering: Clustering, cells: Cells) -> Fields:
    """Return the field order of each row [rows, columns].

    The fields that a row shares with its widest cluster come first, then those that its next
    cluster adds, and so on. Of the fields that a cluster adds, the one whose different values have
    most in common among its siblings leads.
    """
    tree = _tree(clustering, cells.rows)
    leading = _leading_fields(tree, cells)
    columns = cells.columns
    place = np.empty(columns, np.int32)
    place[_by_common_beginning(cells)] = np.arange(1, columns + 1)
    keys = np.zeros(tree.added.shape, np.int32)
    by_level = np.argsort(tree.levels, kind="stable")
    for level, nodes in enumerate(np.split(by_level, np.cumsum(np.bincount(tree.levels))[:-1])):
        above = tree.parents[nodes]
        own = np.where(np.arange(columns) == leading[above, None], 0, place)
        own += np.int32(level * (columns + 1))
        keys[nodes] = np.where(tree.added[nodes], own, keys[above])
    # Sorting keys that carry their column is twice as fast as asking for the order of keys.
    carried = keys.take(tree.rows, axis=0) * np.int32(columns) + np.arange(columns, dtype=np.int32)
    carried.sort(axis=1)
    return (carried % columns).astype(np.int16)


def _tree(clustering: Clustering, rows: int) -> _Tree:
    clusters = len(clustering.parents)
    root = clusters - 1
    above: Integers = np.where(clustering.parents < 0, root, clustering.parents)
    added = clustering.masks & ~clustering.masks[above]
    added[root] = clustering.masks[root]
    kept = np.atleast_1d(added.any(1))
    kept[root] = True
    # The nearest cluster at or above each one that adds a field: jumps double in length.
    node: Integers = np.where(kept, np.arange(clusters), above)
    while not kept[node].all():
        node = node[node]
    nodes = np.flatnonzero(kept)[::-1]
    number = np.zeros(clusters, np.int64)
    number[nodes] = np.arange(len(nodes))
    parents = number[node[above[nodes]]]
    levels = _depths(parents)
    return _Tree(parents, levels, clustering.samples[nodes], added[nodes], number[node[:rows]])


def _depths(parents: Integers) -> Integers:
    """The number of nodes above each one, by jumps that double in length; node 0 is the root."""
    depths = np.minimum(np.arange(len(parents)), 1)
    ahead = parents
    while ahead.any():
        depths = depths + depths[ahead]
        ahead = ahead[ahead]
    return depths


def _leading_fields(tree: _Tree, cells: Cells) -> npt.NDArray[np.int16]:
    """The field [clusters] that the children of a cluster begin with, where they have it."""
    clusters, columns = tree.added.shape
    best: Integers = np.zeros(clusters, np.int64)
    leading = np.full(clusters, -1, np.int16)
    for column in range(columns):
        if not cells.overlaps[column].any():
            continue
        children = np.flatnonzero(tree.added[:, column])
        codes = cells.codes[tree.samples[children], column]
        parents = tree.parents[children]
        order = np.argsort(parents * len(cells.widths[column]) + codes)
        codes, parents = codes[order], parents[order]
        side = np.flatnonzero((parents[1:] == parents[:-1]) & (codes[1:] > codes[:-1]))
        shared = range_minimum(cells.overlaps[column], codes[side] + 1, codes[side + 1] + 1)
        gain = np.bincount(parents[side], weights=shared, minlength=clusters).astype(np.int64)
        better = gain > best
        best[better] = gain[better]
        leading[better] = column
    return leading


def _by_common_beginning(cells: Cells) -> Sequence[int]:
    """Columns by how much of a field two neighbouring values share, most first."""
    common = [float(overlap[1:].mean()) if len(overlap) > 1 else 0.0 for overlap in cells.overlaps]
    return sorted(range(cells.columns), key=lambda column: -common[column])
