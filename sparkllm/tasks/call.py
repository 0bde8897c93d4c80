"""One `llm(...)` call as the user wrote it: task or instruction, argument columns, options."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sparkllm.tasks.task import Task


@dataclass(frozen=True, slots=True)
class Call:
    """A call: `task` names a registered task or is itself the instruction.

    `returns` is the type of the answers in Spark's JSON form, None for their text. The values of
    `json_columns` are JSON texts, shown as the JSON that they are. With `detail` each answer
    comes with its error, finish reason and usage. `definition` is the task where a user made it.
    """

    task: str
    columns: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    returns: str | None = None
    json_columns: frozenset[str] = frozenset()
    detail: bool = False
    definition: Task | None = None

    @property
    def title(self) -> str:
        """The call in short, for people: task or the beginning of the instruction, and columns."""
        task = self.task if len(self.task) <= 60 else f"{self.task[:59]}…"
        return f"llm({', '.join([repr(task), *self.columns])})"

    def to_json(self) -> str:
        """Return the call as JSON with sorted keys, so that equal calls are equal texts."""
        body: dict[str, Any] = {
            "task": self.task,
            "columns": self.columns,
            "options": dict(self.options),
        }
        if self.returns is not None:
            body["returns"] = self.returns
        if self.json_columns:
            body["json"] = sorted(self.json_columns)
        if self.detail:
            body["detail"] = True
        if self.definition is not None:
            body["definition"] = json.dumps(self.definition.to_dict(), ensure_ascii=False)
        return json.dumps(body, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Call":
        """Read what `to_json` wrote."""
        return cls.from_dict(json.loads(text))

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> "Call":
        """Return the call whose JSON form has been read already."""
        definition = body.get("definition")
        return cls(
            body["task"],
            tuple(body["columns"]),
            body["options"],
            body.get("returns"),
            frozenset(body.get("json", ())),
            body.get("detail", False),
            None if definition is None else Task.from_dict(json.loads(definition)),
        )
