"""A task as data: a template for the instruction, the kind of its answers, defaults, a version."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sparkllm.tasks.call_error import CallError

ANSWERS = ("text", "labels", "boolean", "probability", "fields", "aspects", "tokens", "embedding")
"""The kinds of answers; a task may also name a SQL type, such as `INT`."""

_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_ENTRIES = ("name", "template", "answer", "options", "defaults", "version", "reduces")


@dataclass(frozen=True, slots=True)
class Task:
    """A named task.

    Attributes:
        name: what a call writes, in lower case.
        template: Jinja text of the instruction, which stands before the row's fields. It sees the
            values of `options` by their names, never a row.
        answer: one of `ANSWERS`, or a SQL type in DDL form.
        options: the options that the template takes, beside those of every call.
        defaults: values of options that a call may leave out, of those and of all others.
        version: part of every key by which answers are remembered: change it with the template.
        reduces: whether a row is a group, an array of values that have one answer together. Where
            they don't fit one prompt, the template is also rendered with `combining` true, for
            prompts that put answers for parts of the group together.
    """

    name: str
    template: str
    answer: str = "text"
    options: tuple[str, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)
    version: str = "1"
    reduces: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise CallError(
                f"a task can't be called {self.name!r}: a name has lower-case letters, digits and _"
            )
        if not self.template.strip():
            raise CallError(f"the template of task {self.name} is empty")

    def to_dict(self) -> dict[str, Any]:
        """Return the task as JSON and YAML write it."""
        return {
            "name": self.name,
            "template": self.template,
            "answer": self.answer,
            "options": list(self.options),
            "defaults": dict(self.defaults),
            "version": self.version,
            "reduces": self.reduces,
        }

    @classmethod
    def from_dict(cls, body: Any) -> "Task":
        """Read what `to_dict` wrote, or a user did.

        Raises:
            CallError: an entry is missing, unknown or not of its type.
        """
        if not isinstance(body, Mapping):
            raise CallError(f"a task is a mapping with the entries {', '.join(_ENTRIES)}: {body!r}")
        unknown = [str(name) for name in body if name not in _ENTRIES]
        if unknown:
            raise CallError(f"a task has no entry {unknown[0]}: they are {', '.join(_ENTRIES)}")
        for name in ("name", "template"):
            if not isinstance(body.get(name), str):
                raise CallError(f"a task needs a text as {name}: {dict(body)!r}")
        options, defaults = body.get("options", ()), body.get("defaults", {})
        if isinstance(options, str) or not isinstance(defaults, Mapping):
            raise CallError(
                f"task {body['name']}: options is a list of names, defaults maps names to values"
            )
        return cls(
            body["name"],
            body["template"],
            str(body.get("answer", "text")),
            tuple(str(name) for name in options),
            dict(defaults),
            str(body.get("version", "1")),
            bool(body.get("reduces", False)),
        )
