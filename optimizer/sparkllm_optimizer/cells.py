"""A table as the optimizer sees it: integer cells, each with a worth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from sparkllm_optimizer.encoding import Codes, EncodedTable, Integers
from sparkllm_optimizer.measure import Measure
from sparkllm_optimizer.rendering import Render, Tokenize, estimate_lengths, render_fields

_BYTES_PER_TOKEN = 4
_PREFIX_BYTES = 64
_MOST_RANKED = 200_000


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells of a table with their worth.

    `codes` [rows, columns] rank the distinct values of a column by their rendered text; `widths[c]`
    [distinct] is the worth of a value and `overlaps[c]` [distinct] how much of it the value ranked
    just before begins with as well.
    """

    names: tuple[str, ...]
    codes: Codes
    widths: tuple[Integers, ...]
    overlaps: tuple[Integers, ...]

    @property
    def rows(self) -> int:
        """Rows of the table."""
        return int(self.codes.shape[0])

    @property
    def columns(self) -> int:
        """Columns of the table."""
        return int(self.codes.shape[1])

    def weights(self) -> npt.NDArray[np.int32]:
        """Return the worth of each cell [rows, columns]."""
        weights = np.empty(self.codes.shape, np.int32)
        for column, widths in enumerate(self.widths):
            weights[:, column] = widths[self.codes[:, column]]
        return weights

    def total(self) -> int:
        """Worth of all cells together."""
        pairs = zip(self.widths, self.codes.T, strict=True)
        return sum(
            int(widths @ np.bincount(codes, minlength=len(widths))) for widths, codes in pairs
        )

    def take(self, rows: Integers) -> "Cells":
        """Return the cells of some rows, with the same codes."""
        return Cells(self.names, self.codes[rows], self.widths, self.overlaps)


def weigh(
    table: EncodedTable,
    measure: Measure,
    tokenize: Tokenize | None = None,
    render: Render = render_fields,
) -> Cells:
    """Give each distinct cell of a table its worth under a measure.

    In tokens the worth is that of the rendered field, exact with `tokenize`, else about four bytes
    a token.
    """
    codes = np.empty((table.rows, len(table.names)), np.int32)
    widths: list[Integers] = []
    overlaps: list[Integers] = []
    for index, name in enumerate(table.names):
        values = table.dictionaries[index]
        if measure.unit != "tokens":
            order, width, overlap = _by_characters(values, 2 if measure.unit == "squares" else 1)
        elif tokenize is not None:
            order, width, overlap = _by_tokens(tokenize(render(name, values.to_pylist())))
        else:
            order, width, overlap = _by_bytes(name, values)
        rank = np.empty(len(order), np.int32)
        rank[order] = np.arange(len(order), dtype=np.int32)
        codes[:, index] = rank[table.codes[index]]
        widths.append(width[order])
        overlaps.append(overlap if measure.partial else np.zeros(len(order), np.int64))
    return Cells(table.names, codes, tuple(widths), tuple(overlaps))


def _by_characters(values: pa.Array, power: int) -> tuple[Integers, Integers, Integers]:
    texts = _texts(values)
    lengths = pc.fill_null(pc.utf8_length(texts), 0).to_numpy(zero_copy_only=False)
    return _ranking(texts), lengths.astype(np.int64) ** power, np.zeros(len(values), np.int64)


def _by_tokens(tokens: Sequence[Sequence[int]]) -> tuple[Integers, Integers, Integers]:
    order = sorted(range(len(tokens)), key=lambda index: tuple(tokens[index]))
    overlap = np.zeros(len(tokens), np.int64)
    for place in range(1, len(order)):
        overlap[place] = _common(tokens[order[place - 1]], tokens[order[place]])
    width = np.array([len(ids) for ids in tokens], np.int64)
    return np.array(order, np.int64), width, overlap


def _common(left: Sequence[int], right: Sequence[int]) -> int:
    shared = 0
    for a, b in zip(left, right, strict=False):
        if a != b:
            break
        shared += 1
    return shared


def _by_bytes(name: str, values: pa.Array) -> tuple[Integers, Integers, Integers]:
    lengths = estimate_lengths(name, values).to_numpy(zero_copy_only=False)
    width = -(-lengths // _BYTES_PER_TOKEN)
    texts = _texts(values)
    order = _ranking(texts)
    overlap = np.full(len(values), len(name.encode()) + len(": "), np.int64)
    overlap[:1] = 0
    if len(order) <= _MOST_RANKED:
        overlap[1:] += _common_bytes(texts.take(pa.array(order)))
    return order, width, np.minimum(overlap // _BYTES_PER_TOKEN, width[order])


def _texts(values: pa.Array) -> pa.Array:
    try:
        return values.cast(pa.large_string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return pa.array([str(value) for value in values.to_pylist()], pa.large_string())


def _ranking(texts: pa.Array) -> Integers:
    """Order of the values by text; as they come where sorting would cost more than it brings."""
    if len(texts) > _MOST_RANKED:
        return np.arange(len(texts), dtype=np.int64)
    order: Integers = pc.sort_indices(texts).to_numpy().astype(np.int64)
    return order


def _common_bytes(texts: pa.Array) -> Integers:
    """Bytes that each text but the first shares with the one before, up to a fixed length."""
    starts = pc.binary_slice(pc.fill_null(texts, "").cast(pa.large_binary()), 0, _PREFIX_BYTES)
    fixed = np.array(starts.to_pylist(), f"S{_PREFIX_BYTES}")
    matrix = fixed.view(np.uint8).reshape(len(fixed), _PREFIX_BYTES)
    equal = (matrix[1:] == matrix[:-1]) & (matrix[1:] != 0)
    common: Integers = np.logical_and.accumulate(equal, axis=1).sum(1).astype(np.int64)
    return common
