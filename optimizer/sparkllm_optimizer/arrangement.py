"""A row order with a field order for each row, and what it saves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sparkllm_optimizer.cells import Cells
from sparkllm_optimizer.encoding import Codes, Integers
from sparkllm_optimizer.sorting import order_by, order_matrix

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
    if cells.columns == 0:
        return Arrangement(np.arange(cells.rows, dtype=np.int64), fields)
    distinct = sum(len(widths) for widths in cells.widths)
    order = order_matrix(_sequences(cells.codes, cells, fields, priority), distinct)
    return Arrangement(order, fields.take(order, axis=0))


def sort_rows(cells: Cells, order: Sequence[int]) -> Arrangement:
    """Arrange a table with one field order for all rows."""
    keys = [(cells.codes[:, column], len(cells.widths[column])) for column in order]
    rows = order_by(keys) if keys else np.arange(cells.rows, dtype=np.int64)
    return Arrangement(rows, _same_for_all(cells, order))


def as_written(cells: Cells) -> Arrangement:
    """Return the rows and fields as the table has them."""
    rows = np.arange(cells.rows, dtype=np.int64)
    return Arrangement(rows, _same_for_all(cells, range(cells.columns)))


def _same_for_all(cells: Cells, order: Sequence[int]) -> Fields:
    return np.broadcast_to(np.array(order, np.int16), (cells.rows, cells.columns))


def _sequences(
    codes: Codes, cells: Cells, fields: Fields, priority: Sequence[int] | None = None
) -> npt.NDArray[np.int32]:
    """Each row of codes as the ids of its cells in its own order: [rows, columns]."""
    ids: npt.NDArray[np.int32] = codes + _offsets(cells, priority)
    if fields.strides[0] == 0 and len(fields):
        return np.ascontiguousarray(ids[:, fields[0]])
    starts = np.arange(0, ids.size, max(cells.columns, 1), dtype=np.int64)
    own: npt.NDArray[np.int32] = ids.ravel().take(starts[:, None] + fields)
    return own


def _offsets(cells: Cells, priority: Sequence[int] | None = None) -> Codes:
    """The id of the first value of each column, where all columns number their values in turn."""
    offsets = np.zeros(cells.columns, np.int32)
    used = 0
    for column in priority if priority is not None else range(cells.columns):
        offsets[column] = used
        used += len(cells.widths[column])
    return offsets


def saved_by_row(arrangement: Arrangement, cells: Cells) -> Integers:
    """Return for each row in evaluation order what it shares with the row before [rows].

    For a depth-first arrangement this is also what an unbounded radix cache serves.
    """
    saved = np.zeros(len(arrangement.rows), np.int64)
    if len(saved) < 2 or cells.columns == 0:
        return saved
    codes = cells.codes.take(arrangement.rows, axis=0)
    ids = _sequences(codes, cells, arrangement.fields)
    differs = ids[1:] != ids[:-1]
    depth = differs.argmax(1)
    depth[~differs[np.arange(len(differs)), depth]] = cells.columns
    weights = np.concatenate(cells.widths).take(ids[1:])
    weights *= np.arange(cells.columns) < depth[:, None]
    saved[1:] = weights @ np.ones(cells.columns, np.int64)
    _add_common_beginnings(saved, ids, depth, cells)
    return saved


def _add_common_beginnings(
    saved: Integers, ids: npt.NDArray[np.int32], depth: Integers, cells: Cells
) -> None:
    """Add what the first two different cells of neighbours share, where their field is the same."""
    overlaps = np.concatenate(cells.overlaps)
    if not overlaps.any():
        return
    rows = np.flatnonzero(depth < cells.columns)
    before, after = ids[rows, depth[rows]], ids[rows + 1, depth[rows]]
    ends = _offsets(cells)[1:]
    same = np.searchsorted(ends, before, "right") == np.searchsorted(ends, after, "right")
    rows, before, after = rows[same], before[same], after[same]
    low, high = np.minimum(before, after), np.maximum(before, after)
    saved[rows + 1] += range_minimum(overlaps, low + 1, high + 1)


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
