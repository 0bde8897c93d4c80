"""Splitting the rows of a step over threads."""

from collections.abc import Sequence as Rows

from sparkllm_engine.model.packing import PackedRow

# A part below this many tokens runs its matrix products no faster than they run together.
_LEAST_TOKENS = 128


def partition(rows: Rows[PackedRow], parts: int) -> list[list[int]]:
    """Return up to `parts` lists of row indices of about equal work, one list if it doesn't split.

    Rows that read keys another row of the step writes stay together: within a part each layer
    writes before it attends, between parts nothing is in step.
    """
    everything = list(range(len(rows)))
    tokens = sum(row.length for row in rows)
    parts = min(parts, tokens // _LEAST_TOKENS)
    if parts < 2:
        return [everything]
    bundles = _bundles(rows)
    loads = [0] * parts
    chosen: list[list[int]] = [[] for _ in range(parts)]
    for work, bundle in sorted(((_work(rows, bundle), bundle) for bundle in bundles), reverse=True):
        lightest = loads.index(min(loads))
        loads[lightest] += work
        chosen[lightest] += bundle
    # A part that has most of the work is better off with all threads inside of it.
    if max(loads) * parts > 1.5 * sum(loads):
        return [everything]
    return [sorted(part) for part in chosen if part]


def _work(rows: Rows[PackedRow], bundle: list[int]) -> int:
    return sum(rows[index].length for index in bundle)


def _bundles(rows: Rows[PackedRow]) -> list[list[int]]:
    """Return the rows connected by keys written in this step."""
    leader = list(range(len(rows)))
    for index, row in enumerate(rows):
        for other in row.after:
            a, b = _find(leader, index), _find(leader, other)
            leader[max(a, b)] = min(a, b)
    bundles: dict[int, list[int]] = {}
    for index in range(len(rows)):
        bundles.setdefault(_find(leader, index), []).append(index)
    return list(bundles.values())


def _find(leader: list[int], index: int) -> int:
    while leader[index] != index:
        leader[index] = leader[leader[index]]
        index = leader[index]
    return index
