"""Optimal Prefix Hit Recursion: arXiv 2403.05821, Section 4.1. Exact and exponential."""

from functools import cache

import numpy as np

from sparkllm_optimizer.arrangement import Arrangement
from sparkllm_optimizer.cells import Cells

MOST_CELLS = 64


def ophr(cells: Cells) -> Arrangement:
    """Arrange a small table so that no recursion on blocks of equal values saves more.

    The worth of a block of k rows with one value is (k - 1) times the value's, whatever unit the
    cells are weighed in. Raises ValueError above 64 cells.
    """
    if cells.rows * cells.columns > MOST_CELLS:
        raise ValueError(
            f"the exact order of {cells.rows} rows × {cells.columns} columns would take too long: "
            f"at most {MOST_CELLS} cells"
        )
    table = cells.codes.tolist()
    widths = [width.tolist() for width in cells.widths]

    @cache
    def best(rows: tuple[int, ...], columns: tuple[int, ...]) -> tuple[int, tuple[int, int] | None]:
        if len(rows) < 2 or not columns:
            return 0, None
        saved, block = 0, None
        for column in columns:
            rest = tuple(c for c in columns if c != column)
            for value in {table[row][column] for row in rows}:
                inside = tuple(row for row in rows if table[row][column] == value)
                if len(inside) < 2:
                    continue
                outside = tuple(row for row in rows if table[row][column] != value)
                here = widths[column][value] * (len(inside) - 1)
                total = here + best(inside, rest)[0] + best(outside, columns)[0]
                if total > saved:
                    saved, block = total, (column, value)
        return saved, block

    order: list[int] = []
    fields: list[list[int]] = []

    def emit(rows: tuple[int, ...], columns: tuple[int, ...], prefix: list[int]) -> None:
        block = best(rows, columns)[1]
        if block is None:
            order.extend(rows)
            fields.extend(prefix + list(columns) for _ in rows)
            return
        column, value = block
        rest = tuple(c for c in columns if c != column)
        emit(tuple(r for r in rows if table[r][column] == value), rest, [*prefix, column])
        emit(tuple(r for r in rows if table[r][column] != value), columns, prefix)

    emit(tuple(range(cells.rows)), tuple(range(cells.columns)), [])
    shaped = np.array(fields, np.int16).reshape(cells.rows, cells.columns)
    return Arrangement(np.array(order, np.int64), shaped)
