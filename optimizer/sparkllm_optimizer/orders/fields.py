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
    """The radix tree of a clustering, without clusters that add no field to their parent.

    `parents` [clusters] is the next cluster above with a shorter prefix (the root is its own),
    `levels` [clusters] the number of such clusters above, `samples` [clusters] one row of each;
    `added` [clusters, columns] the fields that a cluster adds to its parent's prefix.
    """

    parents: Integers
    levels: Integers
    samples: Integers
    added: Mask


def fields_of_rows(clustering: Clustering, cells: Cells) -> Fields:
    """Return the field order of each row [rows, columns].

    The fields that a row shares with its widest cluster come first, then those that its next
    cluster adds, and so on. Of the fields that a cluster adds, the one whose different values have
    most in common among its siblings leads.
    """
    tree = _tree(clustering, cells.rows)
    leading = _leading_fields(tree, cells)
    clusters, columns = tree.added.shape
    place = np.empty(columns, np.int32)
    place[_by_common_beginning(cells)] = np.arange(1, columns + 1)
    keys = np.zeros((clusters, columns), np.int32)
    step = np.int32(columns + 1)
    for start, end in _rounds_from_root(clustering):
        ids = np.arange(start, end)
        own = np.where(np.arange(columns) == leading[tree.parents[ids], None], 0, place)
        fresh = tree.levels[ids].astype(np.int32)[:, None] * step + own
        keys[ids] = np.where(tree.added[ids], fresh, keys[clustering.parents[ids]])
    return np.argsort(keys[: cells.rows], axis=1).astype(np.int16)


def _rounds_from_root(clustering: Clustering) -> list[tuple[int, int]]:
    ends = (*clustering.starts[1:], len(clustering.parents))
    return list(zip(reversed(clustering.starts), reversed(ends), strict=True))


def _tree(clustering: Clustering, rows: int) -> _Tree:
    clusters = len(clustering.parents)
    above: Integers = np.where(clustering.parents < 0, np.arange(clusters), clustering.parents)
    added = clustering.masks & ~clustering.masks[above]
    added[clusters - 1] = clustering.masks[clusters - 1]
    kept = np.atleast_1d(added.any(1))
    # `prefix[k]` is the nearest cluster at or above k that adds a field.
    prefix = np.arange(clusters, dtype=np.int64)
    parents = np.arange(clusters, dtype=np.int64)
    levels = np.zeros(clusters, np.int64)
    samples = np.arange(clusters, dtype=np.int64)
    for start, end in reversed(_rounds_from_root(clustering)):
        np.put(samples, above[start:end], samples[start:end])
    for start, end in _rounds_from_root(clustering):
        ids = np.arange(start, end)
        up = above[ids]
        parents[ids] = prefix[up]
        levels[ids] = np.where(up == ids, 0, levels[prefix[up]] + 1)
        prefix[ids] = np.where(kept[start:end], ids, prefix[up])
    return _Tree(parents, levels, samples, added)


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
