"""One `llm(...)` call as the user wrote it: task or instruction, argument columns, options."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class CallError(ValueError):
    """The user wrote a call that cannot mean anything; the message says what to write instead."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call: `task` names a registered task or is itself the instruction."""

    task: str
    columns: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the call as JSON with sorted keys, so that equal calls are equal texts."""
        body = {"task": self.task, "columns": self.columns, "options": dict(self.options)}
        return json.dumps(body, ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Call":
        """Read what `to_json` wrote."""
        body = json.loads(text)
        return cls(body["task"], tuple(body["columns"]), body["options"])
