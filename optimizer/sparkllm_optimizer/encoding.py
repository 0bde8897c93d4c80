"""Arrow columns as integer codes, so that equality of cells is equality of integers."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Integers = npt.NDArray[np.int64]
Codes = npt.NDArray[np.int32]

_LARGEST_KEY = 1 << 62


@dataclass(frozen=True, slots=True)
class EncodedTable:
    """A table as codes into one dictionary of distinct cells for each column.

    `codes[c]` has the shape [rows] and indexes `dictionaries[c]`, whose values are distinct and in
    order of first appearance. NULL is an entry of the dictionary, different from the empty string.
    """

    names: tuple[str, ...]
    codes: tuple[Codes, ...]
    dictionaries: tuple[pa.Array, ...]
    rows: int

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """Distinct cells in each column, NULL included."""
        return tuple(len(dictionary) for dictionary in self.dictionaries)


def encode_table(table: pa.Table) -> EncodedTable:
    """Encode each column of a table; nested values count as equal when their texts are.

    Raises ValueError for a column name that occurs twice: a field order couldn't tell them apart.
    """
    if len(set(table.column_names)) < table.num_columns:
        twice = next(name for name in table.column_names if table.column_names.count(name) > 1)
        raise ValueError(f"there are two columns '{twice}': rename one of them")
    encoded = [encode_column(column) for column in table.columns]
    return EncodedTable(
        tuple(table.column_names),
        tuple(codes for codes, _ in encoded),
        tuple(dictionary for _, dictionary in encoded),
        table.num_rows,
    )


def encode_column(column: pa.ChunkedArray | pa.Array) -> tuple[Codes, pa.Array]:
    """Return codes [rows] and the distinct values in order of first appearance, NULL included.

    Values that Arrow cannot hash (lists, structs, maps) become their canonical JSON text.
    """
    chunked = column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
    kind = chunked.type
    if pa.types.is_dictionary(kind):
        return _encode_dictionary(chunked)
    if isinstance(kind, pa.ExtensionType):
        return encode_column(pa.chunked_array([chunk.storage for chunk in chunked.chunks]))
    if pa.types.is_nested(kind):
        text = [_canonical(value) for value in chunked.to_pylist()]
        return _encode_flat(pa.chunked_array([pa.array(text, pa.large_string())]))
    return _encode_flat(chunked)


def _encode_flat(column: pa.ChunkedArray) -> tuple[Codes, pa.Array]:
    if len(column) == 0:
        return np.empty(0, np.int32), pa.array([], column.type)
    if pa.types.is_null(column.type):
        return np.zeros(len(column), np.int32), pa.nulls(1)
    encoded = pc.dictionary_encode(column, null_encoding="encode")
    # Arrow hashes all chunks into one dictionary; each chunk carries the same one.
    indices = [chunk.indices.to_numpy(zero_copy_only=False) for chunk in encoded.chunks]
    codes = indices[0] if len(indices) == 1 else np.concatenate(indices)
    return codes, max((chunk.dictionary for chunk in encoded.chunks), key=len)


def _encode_dictionary(column: pa.ChunkedArray) -> tuple[Codes, pa.Array]:
    if column.num_chunks > 1 and any(chunk.dictionary.null_count for chunk in column.chunks):
        # Arrow can't unify dictionaries with a NULL among their values.
        return encode_column(column.cast(column.type.value_type))
    chunks = column.unify_dictionaries().chunks
    if not chunks:
        return np.empty(0, np.int32), pa.array([], column.type.value_type)
    value_codes, values = encode_column(max((chunk.dictionary for chunk in chunks), key=len))
    # A NULL may be a NULL index or an index of a NULL in the dictionary: one code for both.
    null_code = values.is_null().index(True).as_py() if values.null_count else len(values)
    lookup = np.append(value_codes, np.int32(null_code))
    indices = [pc.fill_null(chunk.indices, -1).to_numpy(zero_copy_only=False) for chunk in chunks]
    codes, kept = _by_first_appearance(lookup[np.concatenate(indices)].astype(np.int64))
    return codes, pa.concat_arrays([values, pa.nulls(1, values.type)]).take(pa.array(kept))


def _by_first_appearance(keys: Integers) -> tuple[Codes, Integers]:
    """Number keys densely by first appearance: codes [rows] and the key behind each code."""
    encoded = pc.dictionary_encode(pa.array(keys))
    return encoded.indices.to_numpy(), encoded.dictionary.to_numpy()


def number_by_appearance(keys: Integers) -> Codes:
    """Number equal keys equally and densely in order of first appearance: [rows]."""
    return _by_first_appearance(keys)[0]


def first_occurrences(codes: Codes) -> Integers:
    """Return the first row of each code, ascending, for codes numbered by first appearance."""
    highest = np.maximum.accumulate(codes)
    return np.flatnonzero(np.diff(highest, prepend=-1)).astype(np.int64)


def _canonical(value: Any) -> str | None:
    if value is None:
        return None
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def combine_codes(columns: tuple[Codes, ...], cardinalities: tuple[int, ...], rows: int) -> Codes:
    """Number equal rows of several columns equally, densely, in order of first appearance.

    `columns` are codes [rows] below their cardinality; the result has the shape [rows].
    """
    if not columns:
        return np.zeros(rows, np.int32)
    if len(columns) == 1:
        return columns[0]
    keys, size = columns[0].astype(np.int64), cardinalities[0]
    for codes, cardinality in zip(columns[1:], cardinalities[1:], strict=True):
        if size * cardinality > _LARGEST_KEY:
            dense, distinct = _by_first_appearance(keys)
            keys, size = dense.astype(np.int64), len(distinct)
        keys *= cardinality
        keys += codes
        size *= cardinality
    return _by_first_appearance(keys)[0]
