"""`llm` and its siblings as plain registered UDFs, for sessions without the Catalyst extension.

A registered UDF sees values only, so the task and the options come as constant columns, and the
arguments have no names: a struct argument brings its own; otherwise the n-th placeholder of the
instruction names the n-th argument; otherwise they are called col1, col2, …
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True)
class Form:
    """How the arguments of a function read.

    Attributes:
        task: that is called, empty where the first argument says it.
        positional: the options that follow the text.
        instructed: whether the first argument is the instruction of the task.
    """

    task: str = ""
    positional: tuple[str, ...] = ()
    instructed: bool = False


def registered(form: Form) -> Callable[[Iterator[tuple[pa.Array, ...]]], Iterator[pa.Array]]:
    """Return the function of a UDF that answers batches of such arguments; see `evaluate`."""

    def answer(batches: Iterator[tuple[pa.Array, ...]]) -> Iterator[pa.Array]:
        return answer_batches(batches, lambda arguments: _answer(form, arguments))

    return answer


def _answer(form: Form, batches: Iterator[Arguments]) -> Iterator[pa.Array]:
    filled = (batch for batch in batches if len(batch[0]))
    first = next(filled, None)
    if first is None:
        return
    written, _ = _split(form, first)
    call, limit = _limited(written)
    rows = _rows(form, written, chain([first], filled))
    question = Question.of(call)
    if pa.types.is_nested(question.value_type):
        raise CallError(
            f"answers of task {call.task} with these options need the Catalyst extension"
        )
    for window in evaluate([question], rows):
        yield limit.checked(window.answers[0])
    limit.check_ratio()


def _limited(written: Call) -> tuple[Call, ErrorLimit]:
    options = dict(written.options)
    known = read_options({name: options.pop(name) for name in ERROR_OPTIONS if name in options})
    limit = ErrorLimit(known.get("on_error", "null"), known.get("max_error_ratio"))
    return replace(written, options=options, detail=limit.is_set), limit


def _rows(form: Form, call: Call, batches: Iterable[Arguments]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        other, arrays = _split(form, batch)
        if other != call:
            raise CallError("the task and the options of llm must be the same for all rows")
        yield pa.RecordBatch.from_arrays(arrays, list(call.columns))


def _split(form: Form, arguments: Arguments) -> tuple[Call, list[pa.Array]]:
    columns = list(arguments)
    options: dict[str, Any] = {}
    if len(columns) > 1 and pa.types.is_map(columns[-1].type):
        options = dict(columns.pop()[0].as_py() or ())
    task = form.task
    instruction = ""
    if form.instructed or not task:
        instruction = _the_one(columns.pop(0))
        task = task or instruction
    if form.instructed:
        options["instruction"] = instruction
    elif form.task:
        for name, column in zip(form.positional, columns[1:], strict=False):
            options[name] = column[0].as_py()
        if len(columns) > 1 + len(form.positional):
            raise CallError(
                f"task {task} takes at most {1 + len(form.positional)} arguments and a map of"
                " options: put several columns into a struct"
            )
        columns = columns[:1]
    names: list[str] = []
    arrays: list[pa.Array] = []
    for column in columns:
        if pa.types.is_struct(column.type):
            names += [field.name for field in column.type]
            arrays += column.flatten()
        else:
            names.append("")
            arrays.append(column)
    return Call(task, _named(instruction, names), options), arrays


def _named(instruction: str, names: list[str]) -> tuple[str, ...]:
    slots = placeholders(instruction)
    if len(slots) == len(names) and not any(names):
        return slots
    return tuple(name or f"col{position}" for position, name in enumerate(names, 1))


def _the_one(column: pa.Array) -> str:
    if len(pc.unique(column)) != 1 or column[0].as_py() is None:
        raise CallError("the task or instruction of llm must be one text, the same for all rows")
    return str(column[0].as_py())
