"""A call, ready to be asked: its prompt, the type of its answers, and which columns it takes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from sparkllm.tasks import Call, Prompt, prompt_for
from sparkllm.tasks.answer_type import AnswerType


@dataclass(frozen=True, slots=True)
class Question:
    """What one call asks of each row.

    `arguments[n]` is the position of the call's n-th column among the columns of a row.
    """

    call: Call
    prompt: Prompt
    answer_type: AnswerType | None
    arguments: tuple[int, ...]

    @classmethod
    def of(
        cls, call: Call, arguments: tuple[int, ...] | None = None, time_zone: str = "UTC"
    ) -> "Question":
        """Return what a call asks; without `arguments`, a row has just the call's columns.

        Raises:
            CallError: the call cannot mean anything.
        """
        answer_type = AnswerType.from_json(call.returns, time_zone) if call.returns else None
        return cls(
            call, prompt_for(call), answer_type, arguments or tuple(range(len(call.columns)))
        )

    @property
    def sampling(self) -> Mapping[str, Any]:
        """Fields of `sparkllm_engine.SamplingParameters`."""
        if self.prompt.choices or self.answer_type is None:
            return {**self.prompt.sampling, "choices": self.prompt.choices}
        return {**self.prompt.sampling, **self.answer_type.parameters()}

    @property
    def type(self) -> pa.DataType:
        """The Arrow type of the answers."""
        return pa.utf8() if self.answer_type is None else self.answer_type.arrow

    def inputs(self, rows: pa.Table) -> pa.Table:
        """Return the call's columns, by the names that the prompt gives them."""
        columns = [rows.column(position) for position in self.arguments]
        return pa.Table.from_arrays(columns, names=list(self.call.columns))


def questions(text: str) -> list[Question]:
    """Read the questions of one function, as the Catalyst extension writes them.

    Raises:
        CallError: a call cannot mean anything.
    """
    body = json.loads(text)
    zone = body.get("time_zone", "UTC")
    return [
        Question.of(Call.from_dict(call), tuple(call["arguments"]), zone) for call in body["calls"]
    ]
