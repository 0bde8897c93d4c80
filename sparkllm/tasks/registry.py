"""The tasks that have a name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Task:
    """A named task.

    `instruction` is the text before the row's fields, with `{option}` replaced by the option's
    value. `choices` names the option that holds the closed set of answers, if the task has one.
    """

    name: str
    instruction: str
    choices: str | None = None
    defaults: Mapping[str, Any] = field(default_factory=dict)


_TASKS = {
    task.name: task
    for task in (
        Task(
            name="classify",
            instruction="Classify the input. Answer with one of these labels:\n{labels}",
            choices="labels",
            defaults={"labels": ("positive", "negative", "neutral")},
        ),
    )
}


def task_names() -> tuple[str, ...]:
    """Return the names of all tasks, sorted."""
    return tuple(sorted(_TASKS))


def task_named(name: str) -> Task | None:
    """Return the task with this name (case does not matter), or None."""
    return _TASKS.get(name.strip().lower())
