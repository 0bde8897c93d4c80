"""Templates of tasks: Jinja in its sandbox, rendered once for a call, with its options only."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

from sparkllm.tasks.call_error import CallError
from sparkllm.tasks.task import Task

_MOST_CHARACTERS = 1_000_000
_GIVEN = ("descriptions", "combining", "range", "dict", "namespace", "joiner", "cycler", "lipsum")


@cache
def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["quoted"] = lambda value: json.dumps(value, ensure_ascii=False)
    return environment


def checked(task: Task) -> None:
    """Raise a CallError where the template is no Jinja, or names what no option is called.

    Raises:
        CallError: says what is wrong, with the line.
    """
    try:
        parsed = _environment().parse(task.template)
    except TemplateError as error:
        line = getattr(error, "lineno", None)
        where = f" (line {line})" if line else ""
        raise CallError(
            f"the template of task {task.name} is no Jinja{where}: {error.message}"
        ) from None
    known = {*task.options, *_GIVEN}
    unknown = sorted(find_undeclared_variables(parsed) - known)
    if unknown:
        raise CallError(
            f"the template of task {task.name} names {unknown[0]}, which is none of its options:"
            f" {', '.join(task.options) or 'it has none'}"
        )


def rendered(task: Task, values: Mapping[str, Any]) -> str:
    """Return the instruction of a task, without blanks around it.

    Raises:
        CallError: the template is wrong, needs a value that there isn't, leaves its sandbox, or
            gets very long.
    """
    try:
        parts = []
        size = 0
        for part in _environment().from_string(task.template).generate(values):
            size += len(part)
            if size > _MOST_CHARACTERS:
                raise CallError(
                    f"the template of task {task.name} gives more than {_MOST_CHARACTERS:,}"
                    " characters: shorten it or its options"
                )
            parts.append(part)
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        if isinstance(error, CallError):
            raise
        raise CallError(
            f"the template of task {task.name} fails: {type(error).__name__}: {error}"
        ) from None
    return "".join(parts).strip()
