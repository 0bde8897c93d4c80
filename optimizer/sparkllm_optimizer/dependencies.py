"""Functional dependencies: columns whose value follows from another column's."""

from collections.abc import Iterable
from dataclasses import dataclass

import networkx as nx
import numpy as np

from sparkllm_optimizer.cells import Cells
from sparkllm_optimizer.encoding import Codes


@dataclass(frozen=True, slots=True)
class Dependency:
    """`dependent` follows from `determinant` (column names) but in a share `error` of the rows.

    The error is that of Kivinen and Mannila's g3: the least share of rows to drop for an exact one.
    """

    determinant: str
    dependent: str
    error: float = 0.0


def find_dependencies(cells: Cells, tolerance: float = 0.0) -> tuple[Dependency, ...]:
    """Find dependencies between single columns with an error of at most `tolerance`.

    A column without a repeated value determines every other one and is left out: nothing follows
    from it for shared prefixes.
    """
    useful = [c for c in range(cells.columns) if len(np.unique(cells.codes[:, c])) < cells.rows]
    found = []
    for left in useful:
        for right in useful:
            if left != right:
                error = _error(cells.codes[:, left], cells.codes[:, right])
                if error <= tolerance:
                    found.append(Dependency(cells.names[left], cells.names[right], error))
    return tuple(found)


def closure(dependencies: Iterable[Dependency]) -> dict[str, tuple[str, ...]]:
    """Return for each determinant all columns that follow from it, directly or through others.

    Only exact dependencies chain; the columns come in an order that is stable for equal input.
    """
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_edges_from((d.determinant, d.dependent) for d in dependencies if d.error == 0.0)
    closed = nx.transitive_closure(graph, reflexive=None)
    implied = {node: [n for n in closed.successors(node) if n != node] for node in graph.nodes}
    return {node: tuple(nodes) for node, nodes in implied.items() if nodes}


def _error(determinant: Codes, dependent: Codes) -> float:
    """Rows to drop until each determinant has one dependent, as a share of all rows."""
    if len(determinant) == 0:
        return 0.0
    keys = determinant.astype(np.int64) * (int(dependent.max()) + 1) + dependent
    pairs, counts = np.unique(keys, return_counts=True)
    groups = pairs // (int(dependent.max()) + 1)
    starts = np.flatnonzero(np.concatenate([[True], groups[1:] != groups[:-1]]))
    return 1.0 - float(np.maximum.reduceat(counts, starts).sum()) / len(determinant)
