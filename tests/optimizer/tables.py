"""Tables to test orders with: columns that repeat, follow from each other, and compete."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from hypothesis import strategies as st

from sparkllm_optimizer.arrangement import Arrangement
from sparkllm_optimizer.cells import Cells


def cells_from(rows: Sequence[Sequence[int]], widths: Sequence[Sequence[int]]) -> Cells:
    """Cells whose values have these widths and share no beginnings."""
    codes = np.array(rows, np.int32).reshape(len(rows), len(widths))
    names = tuple(f"c{column}" for column in range(len(widths)))
    weights = tuple(np.array(width, np.int64) for width in widths)
    return Cells(names, codes, weights, tuple(np.zeros(len(w), np.int64) for w in weights))


@st.composite
def small_cells(draw: st.DrawFn, most_rows: int = 8, most_columns: int = 4) -> Cells:
    """Tables for exact oracles: few rows, few values, widths of any proportion."""
    rows = draw(st.integers(1, most_rows))
    columns = draw(st.integers(1, most_columns))
    values = draw(st.integers(1, 4))
    table = draw(
        st.lists(
            st.lists(st.integers(0, values - 1), min_size=columns, max_size=columns),
            min_size=rows,
            max_size=rows,
        )
    )
    width = st.lists(st.integers(1, 60), min_size=values, max_size=values)
    return cells_from(table, draw(st.lists(width, min_size=columns, max_size=columns)))


def random_cells(seed: int, most_rows: int, most_columns: int) -> Cells:
    """A table with skewed columns, some following from others but for a little noise."""
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(2, most_rows + 1))
    columns: list[np.ndarray] = []
    widths = []
    for index in range(int(rng.integers(1, most_columns + 1))):
        values = int(rng.choice([1, 2, 3, 5, 10, 30, rows]))
        shares = rng.dirichlet(np.full(values, rng.choice([0.2, 1.0, 5.0])))
        column = rng.choice(values, rows, p=shares)
        if index and rng.random() < 0.3:
            base = columns[int(rng.integers(index))]
            follows = rng.integers(0, values, int(base.max()) + 1)[base]
            column = np.where(rng.random(rows) < rng.choice([0.0, 0.05, 0.2]), column, follows)
        columns.append(column)
        widths.append(rng.integers(1, int(rng.choice([3, 10, 100])) + 1, values).tolist())
    return cells_from(np.stack(columns, 1).tolist(), widths)


def shared_with_row_before(arrangement: Arrangement, cells: Cells) -> int:
    """What an arrangement saves, counted cell by cell as the prefix hit count is defined."""
    saved = 0
    order = list(zip(arrangement.rows.tolist(), arrangement.fields.tolist(), strict=True))
    for (before, fields_before), (row, fields) in pairwise(order):
        for a, b in zip(fields_before, fields, strict=True):
            if a != b or cells.codes[before, a] != cells.codes[row, b]:
                break
            saved += int(cells.widths[b][cells.codes[row, b]])
    return saved


def is_arrangement_of(arrangement: Arrangement, cells: Cells) -> bool:
    """Whether each row is there once, with each of its fields once."""
    every_row = sorted(arrangement.rows.tolist()) == list(range(cells.rows))
    fields = list(range(cells.columns))
    return every_row and all(sorted(row) == fields for row in arrangement.fields.tolist())
