"""A call, ready to be asked: its prompt, the type of its answers, and which columns it takes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sparkllm.tasks import Call, Prompt, prompt_for
from sparkllm.tasks.answer_type import AnswerType
from sparkllm.tasks.prompt import Slot
from sparkllm.tasks.task_answer import answer_type_of
from sparkllm.worker.condition import Rows, Wanted
from sparkllm.worker.detail import detail_type
from sparkllm.worker.fusion import Fusion
from sparkllm.worker.rendering import render
from sparkllm_engine.request import SamplingParameters
from sparkllm_optimizer import Group


@dataclass(frozen=True, slots=True)
class Question:
    """What one call asks of each row.

    `arguments[n]` is the position of the call's n-th column among the columns of a row. `guard` is
    the position of the column that says which rows are asked, None to ask all. `order` is that of
    the columns in all prompts of the query, None where each task may choose. `fusion` says when
    a row's text stands first, for the calls that share it.
    """

    call: Call
    prompt: Prompt
    answer_type: AnswerType | None
    arguments: tuple[int, ...]
    guard: int | None = None
    order: tuple[str, ...] | None = None
    fusion: Fusion | None = None

    @classmethod
    def of(
        cls,
        call: Call,
        arguments: tuple[int, ...] | None = None,
        guard: int | None = None,
        time_zone: str = "UTC",
        order: tuple[str, ...] | None = None,
    ) -> "Question":
        """Return what a call asks; without `arguments`, a row has just the call's columns.

        Raises:
            CallError: the call cannot mean anything.
        """
        prompt = prompt_for(call)
        answer_type = answer_type_of(prompt, call.returns, time_zone)
        positions = arguments or tuple(range(len(call.columns)))
        return cls(call, prompt, answer_type, positions, guard, order)

    @property
    def sampling(self) -> Mapping[str, Any]:
        """Fields of `sparkllm_engine.SamplingParameters`."""
        if self.prompt.choices or self.answer_type is None:
            return {
                **self.prompt.sampling,
                "choices": self.prompt.choices,
                "probabilities": self.prompt.answer == "probability",
            }
        return {**self.prompt.sampling, **self.answer_type.parameters()}

    @property
    def slots(self) -> tuple[str, ...]:
        """The columns whose values stand in the instruction, in its order."""
        named = (part.column for part in self.prompt.head if isinstance(part, Slot))
        return tuple(dict.fromkeys(named))

    @property
    def max_tokens(self) -> int:
        """After how many tokens an answer is cut."""
        return int(self.prompt.sampling.get("max_tokens", SamplingParameters().max_tokens))

    @property
    def type(self) -> pa.DataType:
        """The Arrow type of the answers."""
        return detail_type(self.value_type) if self.call.detail else self.value_type

    @property
    def value_type(self) -> pa.DataType:
        """The Arrow type of the answers without their detail."""
        return pa.utf8() if self.answer_type is None else self.answer_type.arrow

    def inputs(self, rows: pa.Table) -> pa.Table:
        """Return the call's columns, by the names that the prompt gives them."""
        columns = [rows.column(position) for position in self.arguments]
        return pa.Table.from_arrays(columns, names=list(self.call.columns))

    def prompts(self, inputs: pa.Table, groups: Sequence[Group]) -> pa.Array:
        """Return the prompts of inputs, in the order of `groups`; see `rendering.render`."""
        data_first = None if self.fusion is None else self.fusion.data_first(inputs)
        return render(self.prompt, inputs, groups, self.call.json_columns, data_first)

    def asked(
        self, rows: pa.Table, wanted: Rows | None = None
    ) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Return the positions of the wanted rows that the guard lets pass; None wants all."""
        passed = np.ones(rows.num_rows, bool) if wanted is None else wanted
        if self.guard is not None:
            passed = passed & pc.fill_null(rows.column(self.guard), False).to_numpy()
        return np.flatnonzero(passed)


def questions(text: str) -> list[Question]:
    """Read the questions of one function, as the Catalyst extension writes them.

    Raises:
        CallError: a call cannot mean anything.
    """
    body = json.loads(text)
    zone = body.get("time_zone", "UTC")
    asked = [
        Question.of(
            Call.from_dict(call),
            tuple(call["arguments"]),
            call.get("guard"),
            zone,
            tuple(call["order"]) if "order" in call else None,
        )
        for call in body["calls"]
    ]
    for group in body.get("fused", ()):
        fusion = Fusion.of([asked[position].prompt for position in group])
        for position in group:
            asked[position] = replace(asked[position], fusion=fusion)
    return asked


def wanted_rows(text: str) -> Wanted | None:
    """Return which rows of a function are wanted, None for all."""
    wanted = json.loads(text).get("wanted")
    return None if wanted is None else Wanted.from_dict(wanted)


def known_rows(text: str) -> int | None:
    """Return how many rows all tasks of a function will ask about, if the extension knows."""
    rows: int | None = json.loads(text).get("rows")
    return rows
