"""From a call to the parts of its prompts: literal text, single slots, and all remaining fields.

Every prompt of a call is the same sequence of parts:

    literal ── instruction, up to the first slot ─┐
    slot    ── one column's value, quoted         │ in the order of the instruction
    literal ── …                                  ┘
    fields  ── one line `name: value` for each column without a slot, in any order

Values are JSON-encoded, so a row's text can neither close its quotes nor start a new line.
"""

import re
from dataclasses import dataclass, field
from typing import Any

from sparkllm.tasks.call import Call, CallError
from sparkllm.tasks.options import read_options
from sparkllm.tasks.registry import Task, task_named, task_names

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}\s][^{}\n]*)\}")
_ONE_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Literal:
    """Text that is the same for every row."""

    text: str


@dataclass(frozen=True, slots=True)
class Slot:
    """The value of one column in the middle of the instruction."""

    column: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """The parts of a call's prompts, and how its answers are made.

    `head` holds the parts before the fields; `fields` the columns that follow as named lines;
    `choices` the closed set of answers, empty when the answer is free text; `sampling` the
    remaining options; `truncates` whether rows that are too long are cut.
    """

    head: tuple[Literal | Slot, ...]
    fields: tuple[str, ...]
    choices: tuple[str, ...] = ()
    sampling: dict[str, Any] = field(default_factory=dict)
    truncates: bool = False


def prompt_for(call: Call) -> Prompt:
    """Return the prompt of a call.

    Raises:
        CallError: unknown task, unknown or wrong option, placeholder without a column.
    """
    options = read_options(call.options)
    truncates = options.pop("overflow", "error") == "truncate"
    if not call.columns:
        raise CallError("llm needs at least one column after the task or instruction")
    for column in call.columns:
        if call.columns.count(column) > 1:
            raise CallError(
                f"the call has a column named {column} twice: give them different names"
            )
    task = task_named(call.task)
    if task is None:
        return _instruction_prompt(call, options, truncates)
    choices: tuple[str, ...] = ()
    texts: dict[str, str] = {}
    if task.choices is not None:
        choices = tuple(options.pop(task.choices, task.defaults[task.choices]))
        texts[task.choices] = "\n".join(f"- {choice}" for choice in choices)
    head = Literal(_fill(task, texts) + "\n\n")
    return Prompt((head,), call.columns, choices, options, truncates)


def _fill(task: Task, texts: dict[str, str]) -> str:
    return task.instruction.format_map(texts)


def _instruction_prompt(call: Call, options: dict[str, Any], truncates: bool) -> Prompt:
    instruction = call.task.strip()
    if _ONE_WORD.fullmatch(instruction):
        raise CallError(
            f"unknown task '{instruction}': the tasks are {', '.join(task_names())}; "
            "an instruction has more than one word"
        )
    if not instruction:
        raise CallError("the task or instruction is empty")
    choices = tuple(options.pop("labels", ()))
    head = _parse(instruction, call.columns)
    slots = {part.column for part in head if isinstance(part, Slot)}
    fields = tuple(column for column in call.columns if column not in slots)
    end = "\n\n" if fields else "\n"
    return Prompt(_join_literals((*head, Literal(end))), fields, choices, options, truncates)


def placeholders(instruction: str) -> tuple[str, ...]:
    """Return the distinct `{column}` names of an instruction in order of first appearance."""
    found = (match.group(1) for match in _PLACEHOLDER.finditer(instruction))
    return tuple(dict.fromkeys(name for name in found if name))


def _parse(instruction: str, columns: tuple[str, ...]) -> tuple[Literal | Slot, ...]:
    parts: list[Literal | Slot] = []
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


def _join_literals(parts: tuple[Literal | Slot, ...]) -> tuple[Literal | Slot, ...]:
    joined: list[Literal | Slot] = []
    for part in parts:
        last = joined[-1] if joined else None
        if isinstance(part, Literal) and isinstance(last, Literal):
            joined[-1] = Literal(last.text + part.text)
        elif not (isinstance(part, Literal) and not part.text):
            joined.append(part)
    return tuple(joined)
