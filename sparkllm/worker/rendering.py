"""From a plan to prompts: every distinct cell rendered once, every prompt a list of pieces.

    pieces   = literals ++ slot values of each column ++ field lines of each column
    prompt i = the positions of its pieces, in order

The result is one Arrow array `list<dictionary<int32, utf8>>`, built with numpy: a row costs a few
integers, and a cell is rendered once for all rows that have it.
"""

import json
from collections.abc import Callable, Iterable, Sequence, Set
from typing import Any

import numpy as np
import pyarrow as pa

from sparkllm.tasks import Prompt
from sparkllm.tasks.prompt import Literal, Slot, Text
from sparkllm.tasks.rendering import render_fields, render_values
from sparkllm.worker.condition import Rows
from sparkllm_optimizer import Group

_Indices = np.ndarray[tuple[int], np.dtype[np.int32]]


class _Pieces:
    """The distinct texts of one window, and where each column's begin."""

    def __init__(self, rows: pa.Table, json_columns: Set[str]) -> None:
        self.texts: list[str] = []
        self._rows = rows
        self._json_columns = json_columns
        self._encoded: dict[str, tuple[list[Any], _Indices]] = {}
        self._placed: dict[tuple[str, str], _Indices] = {}

    def literal(self, text: str) -> np.int32:
        self.texts.append(text)
        return np.int32(len(self.texts) - 1)

    def slots(self, column: str) -> _Indices:
        return self._place("slot", column, render_values)

    def texts_of(self, column: str) -> _Indices:
        return self._place(
            "text", column, lambda values: ["" if v is None else str(v) for v in values]
        )

    def fields(self, column: str) -> _Indices:
        return self._place("field", column, lambda values: render_fields(column, values))

    def last_fields(self, column: str) -> _Indices:
        """With an empty line behind them, for what follows."""
        return self._place("last", column, lambda values: render_fields(column, values, "\n\n"))

    def _place(
        self, kind: str, column: str, render: Callable[[Iterable[Any]], list[str]]
    ) -> _Indices:
        placed = self._placed.get((kind, column))
        if placed is None:
            values, codes = self._encode(column)
            placed = codes + np.int32(len(self.texts))
            self.texts.extend(render(values))
            self._placed[(kind, column)] = placed
        return placed

    def _encode(self, column: str) -> tuple[list[Any], _Indices]:
        if column not in self._encoded:
            values, codes = _dictionary(self._rows.column(column))
            if column in self._json_columns:
                values = [value if value is None else json.loads(value) for value in values]
            self._encoded[column] = values, codes
        return self._encoded[column]


def render(
    prompt: Prompt,
    rows: pa.Table,
    groups: Sequence[Group],
    json_columns: Set[str] = frozenset(),
    data_first: Rows | None = None,
) -> pa.Array:
    """Return the prompts of `rows` in the order of `groups`, `list<dictionary<int32, utf8>>`.

    A group's columns say in which order its rows' field lines stand. The values of `json_columns`
    are JSON texts, and shown as the JSON that they are. Where `data_first` says so, a row's fields
    stand before the instruction, which then is the only part of the prompt's head.
    """
    pieces = _Pieces(rows, json_columns)
    literals = {
        part.text: pieces.literal(part.text) for part in prompt.head if isinstance(part, Literal)
    }
    blocks = [_block(prompt, group, pieces, literals) for group in groups]
    if data_first is not None:
        [instruction] = literals
        behind = pieces.literal(instruction.rstrip("\n") + "\n")
        for group, block in zip(groups, blocks, strict=True):
            chosen = data_first[group.row_ids]
            last = pieces.last_fields(group.columns[-1])[group.row_ids]
            block[chosen, :-2] = block[chosen, 1:-1]
            block[chosen, -2] = last[chosen]
            block[chosen, -1] = behind
    indices = np.concatenate([block.ravel() for block in blocks])
    width = len(prompt.head) + len(prompt.fields)
    offsets = np.arange(0, len(indices) + 1, width, dtype=np.int32)
    values = pa.DictionaryArray.from_arrays(indices, pa.array(pieces.texts, pa.utf8()))
    return pa.ListArray.from_arrays(offsets, values)


def _block(
    prompt: Prompt, group: Group, pieces: _Pieces, literals: dict[str, np.int32]
) -> np.ndarray[tuple[int, int], np.dtype[np.int32]]:
    ids = group.row_ids
    block = np.empty((len(ids), len(prompt.head) + len(prompt.fields)), np.int32)
    for position, part in enumerate(prompt.head):
        match part:
            case Slot():
                block[:, position] = pieces.slots(part.column)[ids]
            case Text():
                block[:, position] = pieces.texts_of(part.column)[ids]
            case Literal():
                block[:, position] = literals[part.text]
    fields = [column for column in group.columns if column in prompt.fields]
    for position, column in enumerate(fields, len(prompt.head)):
        block[:, position] = pieces.fields(column)[ids]
    return block


def _dictionary(column: pa.ChunkedArray) -> tuple[list[Any], _Indices]:
    """Return the distinct values of a column, NULL among them, and each row's index into them."""
    try:
        encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    except pa.ArrowNotImplementedError:  # nested types
        return column.to_pylist(maps_as_pydicts="lossy"), np.arange(len(column), dtype=np.int32)
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    return encoded.dictionary.to_pylist(), encoded.indices.to_numpy().astype(np.int32)
