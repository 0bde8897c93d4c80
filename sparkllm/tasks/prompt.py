"""From a call to the parts of its prompts: literal text, single slots, and all remaining fields.

Every prompt of a call is the same sequence of parts:

    literal ── instruction, up to the first slot ─┐
    slot    ── one column's value, quoted         │ in the order of the instruction
    literal ── …                                  ┘
    fields  ── one line `name: value` for each column without a slot, in any order

Values are JSON-encoded, so a row's text can neither close its quotes nor start a new line. The
template of a task sees the options of the call, and no row.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sparkllm.tasks.call import Call
from sparkllm.tasks.call_error import CallError
from sparkllm.tasks.field_list import described_fields
from sparkllm.tasks.options import Labels, read_options
from sparkllm.tasks.registry import task_named, task_names
from sparkllm.tasks.task import Task
from sparkllm.tasks.template import rendered

YES_NO = ("yes", "no")

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}\s][^{}\n]*)\}")
_ONE_WORD = re.compile(r"\w+")
_INSTRUCTION = "\ue000instruction\ue000"


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that is the same for every row."""

    text: str


@dataclass(frozen=True, slots=True)
class Slot:
    """The value of one column in the middle of the instruction."""

    column: str


@dataclass(frozen=True, slots=True)
class Text:
    """The text of one column as it is; only where there is nothing to instruct."""

    column: str


Part = Literal | Slot | Text


@dataclass(frozen=True, slots=True)
class Prompt:
    """The parts of a call's prompts, and how its answers are made.

    `head` holds the parts before the fields; `fields` the columns that follow as named lines;
    `choices` the closed set of answers, empty when the answer is free text; `sampling` the
    remaining options; `truncates` whether rows that are too long are cut. `answer` is the kind of
    the answers (`Task.answer`), `names` the labels or aspects that they are about. Where a row is a
    group of values, `combining` begins the prompts that put answers for parts of it together, and
    `chunk_tokens` is how many tokens of values a prompt may have, 0 to leave that to the model.
    `model` names another model than the session's.
    """

    head: tuple[Part, ...]
    fields: tuple[str, ...]
    choices: tuple[str, ...] = ()
    sampling: dict[str, Any] = field(default_factory=dict)
    truncates: bool = False
    answer: str = "text"
    names: tuple[str, ...] = ()
    combining: tuple[Part, ...] = ()
    chunk_tokens: int = 0
    model: str = ""


def prompt_for(call: Call) -> Prompt:
    """Return the prompt of a call.

    Raises:
        CallError: unknown task, unknown or wrong option, placeholder without a column, a template
            that fails.
    """
    if not call.columns:
        raise CallError("llm needs at least one column after the task or instruction")
    for column in call.columns:
        if call.columns.count(column) > 1:
            raise CallError(
                f"the call has a column named {column} twice: give them different names"
            )
    task = call.definition or task_named(call.task)
    if task is None:
        return _instruction_prompt(call)
    options = read_options(call.options, task)
    values = {name: options.pop(name) for name in task.options if name in options}
    sampling = {"version": f"{task.name}/{task.version}", **options}
    truncates = sampling.pop("overflow", "error") == "truncate"
    missing = [name for name in task.options if name not in values]
    if missing:
        raise CallError(f"task {task.name} needs the option {missing[0]}")
    if task.answer == "fields" and not call.returns:
        raise CallError(
            f"task {task.name} needs the Catalyst extension, for the type of its answers"
        )
    if task.answer in ("tokens", "embedding"):
        return _bare_text(call, task, sampling, truncates, str(values.get("model", "")))
    choices, names = _closed(task, values)
    shown = _template_values(call, values)
    if task.reduces:
        return _reducing(call, task, values, sampling, shown)
    head, fields = _with_slots(shown, task, call.columns, values)
    return Prompt(head, fields, choices, sampling, truncates, task.answer, names)


def _reducing(
    call: Call,
    task: Task,
    values: Mapping[str, Any],
    sampling: dict[str, Any],
    shown: Mapping[str, Any],
) -> Prompt:
    if len(call.columns) != 1:
        raise CallError(f"task {task.name} takes one column, an array of a group's values")
    if placeholders(str(values.get("instruction", ""))):
        raise CallError(
            f"the instruction of task {task.name} is for a whole group: it has no {{column}}"
        )
    head, combining = (
        _with_slots({**shown, "combining": late}, task, call.columns, values)[0]
        for late in (False, True)
    )
    return Prompt(
        head,
        call.columns,
        sampling=sampling,
        answer=task.answer,
        combining=combining,
        chunk_tokens=values.get("chunk_tokens", 0),
    )


def _bare_text(
    call: Call, task: Task, sampling: dict[str, Any], truncates: bool, model: str
) -> Prompt:
    if len(call.columns) > 1:
        raise CallError(f"task {task.name} takes one column: put several into a text, as by concat")
    head = (Text(call.columns[0]),)
    sampling = {"version": sampling["version"]}
    return Prompt(head, (), (), sampling, truncates, task.answer, model=model)


def _closed(task: Task, values: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the choices of an answer, and the names that an answer in parts has a part for."""
    labels = tuple(values.get("labels", ()))
    match task.answer:
        case "boolean" | "probability":
            return YES_NO, ()
        case "labels":
            return ((), labels) if values.get("multi_label") else (labels, ())
        case "aspects":
            aspects = tuple(values.get("aspects", ()))
            return ((), aspects) if aspects else (labels, ())
        case _:
            return (), ()


def _template_values(call: Call, values: Mapping[str, Any]) -> dict[str, Any]:
    shown = {**values, "combining": False}
    labels = values.get("labels")
    shown["descriptions"] = labels.descriptions if isinstance(labels, Labels) else {}
    shown["descriptions"] = {label: shown["descriptions"].get(label) for label in labels or ()}
    if "fields" in values:
        shown["fields"] = described_fields(call.returns)
    return shown


def _with_slots(
    shown: dict[str, Any], task: Task, columns: tuple[str, ...], values: Mapping[str, Any]
) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """Return the head with the instruction's slots in it, and the columns that are fields."""
    instruction = values.get("instruction")
    if instruction is not None:
        shown["instruction"] = _INSTRUCTION
    literals = [Literal(text) for text in rendered(task, shown).split(_INSTRUCTION)]
    head: list[Part] = [literals[0]]
    for literal in literals[1:]:
        head += [*_parse(str(instruction).strip(), columns), literal]
    return _ended(head, columns)


def _ended(head: list[Part], columns: tuple[str, ...]) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    slots = {part.column for part in head if isinstance(part, Slot)}
    fields = tuple(column for column in columns if column not in slots)
    end = "\n\n" if fields else "\n"
    return _join_literals((*head, Literal(end))), fields


def _instruction_prompt(call: Call) -> Prompt:
    instruction = call.task.strip()
    if _ONE_WORD.fullmatch(instruction):
        raise CallError(
            f"unknown task '{instruction}': the tasks are {', '.join(task_names())}; "
            "an instruction has more than one word"
        )
    if not instruction:
        raise CallError("the task or instruction is empty")
    options = read_options(call.options, None)
    truncates = options.pop("overflow", "error") == "truncate"
    choices = tuple(options.pop("labels", ()))
    head, fields = _ended(list(_parse(instruction, call.columns)), call.columns)
    return Prompt(head, fields, choices, options, truncates)


def placeholders(instruction: str) -> tuple[str, ...]:
    """Return the distinct `{column}` names of an instruction in order of first appearance."""
    found = (match.group(1) for match in _PLACEHOLDER.finditer(instruction))
    return tuple(dict.fromkeys(name for name in found if name))


def _parse(instruction: str, columns: tuple[str, ...]) -> tuple[Part, ...]:
    parts: list[Part] = []
    end = 0
    for match in _PLACEHOLDER.finditer(instruction):
        parts.append(Literal(instruction[end : match.start()]))
        end = match.end()
        name = match.group(1)
        if name is None:
            parts.append(Literal(match.group(0)[0]))
        elif name in columns:
            parts.append(Slot(name))
        else:
            raise CallError(
                f"the instruction names {{{name}}}, but the columns are {', '.join(columns)}: "
                f"pass a column of that name, or write {{{{{name}}}}} for the text itself"
            )
    parts.append(Literal(instruction[end:]))
    return tuple(parts)


def _join_literals(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    joined: list[Part] = []
    for part in parts:
        last = joined[-1] if joined else None
        if isinstance(part, Literal) and isinstance(last, Literal):
            joined[-1] = Literal(last.text + part.text)
        elif not (isinstance(part, Literal) and not part.text):
            joined.append(part)
    return tuple(joined)
