"""How a cell reads in a prompt: one line with the field's name and the JSON of its value."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

Tokenize = Callable[[Sequence[str]], Sequence[Sequence[int]]]
Render = Callable[[str, Sequence[Any]], list[str]]


def render_fields(name: str, values: Sequence[Any]) -> list[str]:
    """Return the line `name: value` with its newline for each value; NULL reads `null`."""
    encode = json.JSONEncoder(ensure_ascii=False, default=str).encode
    return [f"{name}: {encode(value)}\n" for value in values]


def estimate_lengths(name: str, values: pa.Array) -> pa.Array:
    """Return the bytes of each rendered field [distinct] without rendering it.

    Exact but for escapes in strings; values that Arrow cannot print count as their JSON text.
    """
    import pyarrow.compute as pc

    kind = values.type
    quotes = 2 if pa.types.is_string(kind) or pa.types.is_large_string(kind) else 0
    try:
        lengths = pc.binary_length(values.cast(pa.large_string()))
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        lengths = pa.array([len(str(value)) for value in values.to_pylist()], pa.int64())
    frame = len(name.encode()) + len(": \n")
    known = pc.add(lengths.cast(pa.int64()), frame + quotes)
    return pc.fill_null(known, frame + len("null"))
