"""A row order with a field order for each row, and what it saves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sparkllm_optimizer.cells import Cells
from sparkllm_optimizer.encoding import Integers

_KEY_BITS = 62

Fields = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Rows in evaluation order.

    `rows` [rows] are row ids, `fields` [rows, columns] the column indices of each of these rows in
    the order in which its prompt names them.
    """

    rows: Integers
    fields: Fields


def arrange(cells: Cells, fields: Fields, priority: Sequence[int] | None = None) -> Arrangement:
    """Sort the rows of a table so that equal beginnings stand together.

    `fields` [rows, columns] is the field order of each row id. Rows are compared cell by cell in
    their own order: the field first (by `priority`, the columns from first to last), then the
    value, so a depth-first walk of their radix tree results, with similar values side by side.
    """
    sequences = _sequences(cells, fields, priority)
    distinct = sum(len(widths) for widths in cells.widths)
    together = max(1, _KEY_BITS // max(distinct.bit_length(), 1))
    keys = []
    for start in range(0, cells.columns, together):
        key = sequences[:, start].astype(np.int64)
        for column in range(start + 1, min(start + together, cells.columns)):
            key *= distinct
            key += sequences[:, column]
        keys.append(key)
    order = np.lexsort(keys[::-1]) if keys else np.arange(cells.rows)
    return Arrangement(order.astype(np.int64), fields[order])


def sort_rows(cells: Cells, order: Sequence[int]) -> Arrangement:
    """Arrange a table with one field order for all rows."""
    fields = np.empty((cells.rows, cells.columns), np.int16)
    fields[:] = np.array(order, np.int16)
    keys = [cells.codes[:, column] for column in reversed(order)]
    rows = np.lexsort(keys) if keys else np.arange(cells.rows)
    return Arrangement(rows.astype(np.int64), fields)


def as_written(cells: Cells) -> Arrangement:
    """Return the rows and fields as the table has them."""
    fields = np.empty((cells.rows, cells.columns), np.int16)
    fields[:] = np.arange(cells.columns, dtype=np.int16)
    return Arrangement(np.arange(cells.rows, dtype=np.int64), fields)


def _sequences(
    cells: Cells, fields: Fields, priority: Sequence[int] | None = None
) -> npt.NDArray[np.int32]:
    """Each row as the ids of its cells in its own order: [rows, columns]."""
    columns = list(priority) if priority is not None else list(range(cells.columns))
    offsets = np.zeros(cells.columns, np.int32)
    used = 0
    for column in columns:
        offsets[column] = used
        used += len(cells.widths[column])
    return np.take_along_axis(cells.codes + offsets, fields.astype(np.int64), axis=1)


def saved_by_row(arrangement: Arrangement, cells: Cells) -> Integers:
    """Return for each row in evaluation order what it shares with the row before [rows].

    For a depth-first arrangement this is also what an unbounded radix cache serves.
    """
    saved = np.zeros(len(arrangement.rows), np.int64)
    if cells.rows < 2 or cells.columns == 0:
        return saved
    ordered = cells.take(arrangement.rows)
    fields = arrangement.fields.astype(np.int64)
    sequences = _sequences(ordered, arrangement.fields)
    equal = np.logical_and.accumulate(sequences[1:] == sequences[:-1], axis=1)
    weights = np.take_along_axis(ordered.weights(), fields, axis=1)
    saved[1:] = np.einsum("ij,ij->i", equal, weights[1:], dtype=np.int64)
    depth = equal.sum(1)
    rows = np.flatnonzero(depth < cells.columns)
    before, after = fields[rows, depth[rows]], fields[rows + 1, depth[rows]]
    same = before == after
    rows, columns = rows[same], after[same]
    for column in range(cells.columns):
        if cells.overlaps[column].any():
            chosen = rows[columns == column]
            left, right = ordered.codes[chosen, column], ordered.codes[chosen + 1, column]
            low, high = np.minimum(left, right), np.maximum(left, right)
            saved[chosen + 1] += range_minimum(cells.overlaps[column], low + 1, high + 1)
    return saved


def range_minimum(values: Integers, starts: Integers, ends: Integers) -> Integers:
    """Return min(values[start:end]) for each pair (end exclusive, ranges not empty)."""
    length = (ends - starts).astype(np.int64)
    result = np.empty(len(starts), np.int64)
    level = np.frexp(length.astype(np.float64))[1] - 1
    table = values
    for step in range(int(level.max(initial=0)) + 1):
        chosen = np.flatnonzero(level == step)
        last = ends[chosen] - (1 << step)
        result[chosen] = np.minimum(table[starts[chosen]], table[last])
        table = np.minimum(table[: -(1 << step)], table[1 << step :])
    return result
