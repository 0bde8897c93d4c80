"""Columns that determine each other, treated as one column of their joint worth."""

from dataclasses import dataclass

import networkx as nx
import numpy as np

from sparkllm_optimizer.arrangement import Fields
from sparkllm_optimizer.cells import Cells
from sparkllm_optimizer.encoding import Codes
from sparkllm_optimizer.pairs import PairStatistics


@dataclass(frozen=True, slots=True)
class Merged:
    """A table with one column for each class of tied columns.

    `classes[k]` lists the columns of the original table behind column k, most common beginnings
    first.
    """

    cells: Cells
    classes: tuple[tuple[int, ...], ...]


def merge_tied_columns(cells: Cells, statistics: PairStatistics) -> Merged:
    """Merge columns between which there is an exact functional dependency in both directions.

    Such columns repeat together, so wherever one of them is in a shared prefix all should be.
    Candidates come from the statistics (perhaps of a sample) and are checked on all rows; columns
    that repeat nothing are left alone.
    """
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(cells.columns))
    for left in range(cells.columns):
        if not 1 < statistics.distinct[left] < statistics.rows:
            continue
        for right in range(left + 1, cells.columns):
            counts = (statistics.distinct[left], statistics.distinct[right])
            if counts == (statistics.joint[left, right],) * 2:
                a, b = cells.codes[:, left], cells.codes[:, right]
                if _determines(a, b) and _determines(b, a):
                    graph.add_edge(left, right)
    common = [float(o[1:].mean()) if len(o) > 1 else 0.0 for o in cells.overlaps]
    classes = tuple(
        tuple(sorted(members, key=lambda column: (-common[column], column)))
        for members in sorted(nx.connected_components(graph), key=min)
    )
    leads = [members[0] for members in classes]
    merged = Cells(
        tuple(cells.names[lead] for lead in leads),
        np.ascontiguousarray(cells.codes[:, leads]),
        tuple(_joint_widths(cells, members) for members in classes),
        tuple(cells.overlaps[lead] for lead in leads),
    )
    return Merged(merged, classes)


def expand_fields(merged: Merged, fields: Fields) -> Fields:
    """Return the field order of the original table [rows, columns] for one of the merged table."""
    if all(len(members) == 1 for members in merged.classes):
        return np.array([members[0] for members in merged.classes], np.int16)[fields]
    columns = sum(len(members) for members in merged.classes)
    keys = np.empty((len(fields), columns), np.int32)
    places = np.argsort(fields, axis=1)
    for index, members in enumerate(merged.classes):
        for offset, column in enumerate(members):
            keys[:, column] = places[:, index] * columns + offset
    return np.argsort(keys, axis=1).astype(np.int16)


def _determines(determinant: Codes, dependent: Codes) -> bool:
    image = np.zeros(int(determinant.max(initial=0)) + 1, np.int32)
    image[determinant] = dependent
    return bool((image[determinant] == dependent).all())


def _joint_widths(
    cells: Cells, members: tuple[int, ...]
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    widths = cells.widths[members[0]].copy()
    lead = cells.codes[:, members[0]]
    for column in members[1:]:
        other = np.zeros(len(widths), np.int64)
        other[lead] = cells.widths[column][cells.codes[:, column]]
        widths += other
    return widths
