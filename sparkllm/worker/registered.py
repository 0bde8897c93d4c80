"""`llm` as a plain registered UDF, for sessions without the Catalyst extension.

A registered UDF sees values only, so the task and the options come as constant columns, and the
arguments have no names: a struct argument brings its own; otherwise the n-th placeholder of the
instruction names the n-th argument; otherwise they are called col1, col2, …
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sparkllm.tasks import Call, CallError
from sparkllm.tasks.options import ERROR_OPTIONS, read_options
from sparkllm.tasks.prompt import placeholders
from sparkllm.worker.batches import Arguments, answer_batches
from sparkllm.worker.error_limit import ErrorLimit
from sparkllm.worker.evaluation import evaluate
from sparkllm.worker.question import Question


def registered_llm(batches: Iterator[tuple[pa.Array, ...]]) -> Iterator[pa.Array]:
    """Answer batches of (task, columns…, perhaps a map of options); see `evaluate`."""
    return answer_batches(batches, _answer)


def _answer(batches: Iterator[Arguments]) -> Iterator[pa.Array]:
    filled = (batch for batch in batches if len(batch[0]))
    first = next(filled, None)
    if first is None:
        return
    written, _ = _split(first)
    call, limit = _limited(written)
    rows = _rows(written, chain([first], filled))
    for window in evaluate([Question.of(call)], rows):
        yield limit.checked(window.answers[0])
    limit.check_ratio()


def _limited(written: Call) -> tuple[Call, ErrorLimit]:
    options = dict(written.options)
    known = read_options({name: options.pop(name) for name in ERROR_OPTIONS if name in options})
    limit = ErrorLimit(known.get("on_error", "null"), known.get("max_error_ratio"))
    return replace(written, options=options, detail=limit.is_set), limit


def _rows(call: Call, batches: Iterable[Arguments]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        other, arrays = _split(batch)
        if other != call:
            raise CallError("the task and the options of llm must be the same for all rows")
        yield pa.RecordBatch.from_arrays(arrays, list(call.columns))


def _split(arguments: Arguments) -> tuple[Call, list[pa.Array]]:
    task, *columns = arguments
    options: dict[str, Any] = {}
    if columns and pa.types.is_map(columns[-1].type):
        options = dict(columns.pop()[0].as_py() or ())
    names: list[str] = []
    arrays: list[pa.Array] = []
    for column in columns:
        if pa.types.is_struct(column.type):
            names += [field.name for field in column.type]
            arrays += column.flatten()
        else:
            names.append("")
            arrays.append(column)
    instruction = _the_one(task)
    return Call(instruction, _named(instruction, names), options), arrays


def _named(instruction: str, names: list[str]) -> tuple[str, ...]:
    slots = placeholders(instruction)
    if len(slots) == len(names) and not any(names):
        return slots
    return tuple(name or f"col{position}" for position, name in enumerate(names, 1))


def _the_one(column: pa.Array) -> str:
    if len(pc.unique(column)) != 1 or column[0].as_py() is None:
        raise CallError("the task or instruction of llm must be one text, the same for all rows")
    return str(column[0].as_py())
