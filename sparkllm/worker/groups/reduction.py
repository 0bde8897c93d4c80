"""The groups of a window with the engine, level by level, all groups together."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from sparkllm.client import EngineSettings
from sparkllm.ledger import Usage
from sparkllm.worker.condition import Rows
from sparkllm.worker.groups.chunking import Chunking, head_of
from sparkllm.worker.groups.group import Group, Part
from sparkllm.worker.groups.lines import lines_of
from sparkllm.worker.invalid_text import invalid_rows
from sparkllm.worker.outcome import Outcomes, without_truncated
from sparkllm.worker.question import Question
from sparkllm.worker.reporting import Reporter
from sparkllm.worker.window_request import (
    NULL,
    SKIPPED,
    AnyExchange,
    AnyPending,
    unasked_usage,
    usage_of,
)
from sparkllm_engine.server.budget import Prices
from sparkllm_engine.server.protocol import RESULT_SCHEMA

_Ids = np.ndarray[tuple[int], np.dtype[np.int64]]


class GroupAsker:
    """Asks one question about the groups of a task's windows.

    Args:
        question: whose column holds arrays, the values of groups.
        settings: of the engine.
        opened: opens an exchange for sampling parameters.
    """

    def __init__(
        self,
        question: Question,
        settings: EngineSettings,
        opened: Callable[[Question], AnyExchange],
    ) -> None:
        self._question = question
        self._chunking = Chunking.of(question, settings)
        self._last = opened(question)
        text = replace(question, answer_type=None)
        self._parts = opened(text) if question.answer_type else self._last

    def send(self, rows: pa.Table, wanted: Rows | None = None) -> "GroupsRequest":
        """Send what can be asked at once about the groups that are wanted; groups are rows."""
        question = self._question
        column = question.inputs(rows).column(0).combine_chunks()
        name = question.call.columns[0]
        json_texts = name in question.call.json_columns
        answer_of = np.full(rows.num_rows, SKIPPED, np.int64)
        invalid: dict[int, str] = {}
        groups: list[Group] = []
        for row in question.asked(rows, wanted).tolist():
            values = column[row].values
            wrong = values is not None and invalid_rows(pa.table({name: values}))
            if wrong:
                invalid[row] = next(iter(wrong.values()))
                continue
            known = values.to_pylist(maps_as_pydicts="lossy") if values is not None else ()
            lines = lines_of(name, known, json_texts=json_texts)
            answer_of[row] = len(groups) if lines else NULL
            if lines:
                parts = [Part(chunk) for chunk in self._chunking.values(lines)]
                groups.append(Group(parts, question.answer_type is not None))
        answer_of[list(invalid)] = len(groups) + np.arange(len(invalid))
        request = GroupsRequest(question, self, groups, answer_of, tuple(invalid.values()))
        request.ask()
        return request

    def ask(self, groups: list[Group]) -> "list[_Asked]":
        """Send the prompts of the groups' parts, equal ones once."""
        asked = []
        for exchange, are_last in ((self._last, True), (self._parts, False)):
            if exchange is self._last is self._parts:
                mine = groups if are_last else []
            else:
                mine = [group for group in groups if group.is_last == are_last]
            if sent := self._sent(exchange, mine):
                asked.append(sent)
        return asked

    def advance(self, groups: list[Group]) -> None:
        """Let the groups that have all answers of a level go on to the next one."""
        for group in groups:
            group.advance(self._chunking)

    def _sent(self, exchange: AnyExchange, groups: list[Group]) -> "_Asked | None":
        prompts: dict[tuple[str, ...], int] = {}
        places = []
        for group in groups:
            head = head_of(self._question, combining=group.combining)
            for part in list(group.asked()):
                pieces = (head, *(line.text for line in part.lines))
                places.append((group, part, prompts.setdefault(pieces, len(prompts))))
        if not places:
            return None
        return _Asked(exchange.submit(_prompts(list(prompts))), places)


@dataclass(frozen=True, slots=True)
class _Asked:
    """Prompts with the engine, and for which parts of which groups they are."""

    pending: AnyPending
    places: list[tuple[Group, Part, int]]

    def answers(
        self, question: Question
    ) -> Iterator[tuple[Group, Part, Mapping[str, object], bool]]:
        """Return each part with its answer, and whether an earlier part had the same."""
        answers = self.results(question).to_pylist()
        seen = set()
        for group, part, position in self.places:
            yield group, part, answers[position], position in seen
            seen.add(position)

    def results(self, question: Question) -> pa.Table:
        """Return the engine's results; answers that are not finished are errors."""
        return without_truncated(self.pending.result(), question.max_tokens)


@dataclass(slots=True)
class GroupsRequest:
    """The groups of a window, under way; has what `WindowRequest` has.

    `answer_of[row]` is as there. First come the outcomes of the groups, then those of the rows
    with a value that can't be sent, with the reasons in `invalid`.
    """

    question: Question
    asker: GroupAsker
    groups: list[Group]
    answer_of: _Ids
    invalid: tuple[str, ...] = ()
    finished: float = 0.0
    _under_way: list[_Asked] = field(default_factory=list)
    _results: list[pa.Table] = field(default_factory=list)
    _prompts: int = 0

    @property
    def asked(self) -> int:
        """How many prompts there were so far, and one for each group without an answer."""
        going = sum(group.result is None for group in self.groups)
        return going + self.answered + sum(asked.pending.rows for asked in self._under_way)

    @property
    def answered(self) -> int:
        """How many of them are answered."""
        done = sum(int(results.num_rows) for results in self._results)
        return done + sum(asked.pending.answered for asked in self._under_way)

    def ask(self) -> None:
        """Send what the groups without an answer ask now."""
        while going := [group for group in self.groups if group.result is None]:
            self._under_way = self.asker.ask(going)
            if self._under_way:
                self._prompts += sum(len(asked.places) for asked in self._under_way)
                return
            self.asker.advance(going)

    def wait(self, seconds: float) -> bool:
        """Wait until every group has its answer, at most this long; return whether it has."""
        end = time.monotonic() + seconds
        while self._under_way:
            for asked in self._under_way:
                if not asked.pending.wait(max(0.0, end - time.monotonic())):
                    return False
            self._take()
        return True

    def answers(self, reporter: Reporter, prices: Prices) -> tuple[pa.Array, Usage]:
        """Wait, log errors, and return one answer per group, in row order, and what they cost."""
        while not self.wait(1.0):
            pass
        unasked = unasked_usage(self.answer_of)
        if not self.groups and not self.invalid:
            return pa.nulls(len(self.answer_of), self.question.type), unasked
        outcomes = Outcomes.of(self._of_groups(), self.question, {}).and_invalid(self.invalid)
        reporter.errors(outcomes.results)
        by_row = outcomes.details if self.question.call.detail else outcomes.answers
        spent = pa.concat_tables([RESULT_SCHEMA.empty_table(), *self._results])
        asked = self._prompts + len(self.invalid)
        usage = usage_of(spent, unasked, prices, asked)
        errors = usage_of(outcomes.results, unasked, prices).errors
        return by_row(self.answer_of), replace(usage, errors=errors)

    def _take(self) -> None:
        for asked in self._under_way:
            self.finished = max(self.finished, asked.pending.finished)
            self._results.append(asked.results(self.question))
            for group, part, answer, shared in asked.answers(self.question):
                group.take(part, answer, shared=shared)
        self._under_way = []
        self.asker.advance(self.groups)
        self.ask()

    def _of_groups(self) -> pa.Table:
        rows = [
            {**(group.result or {}), **group.tokens, "id": place, "reused": False}
            for place, group in enumerate(self.groups)
        ]
        return pa.Table.from_pylist(rows, RESULT_SCHEMA)


def _prompts(prompts: list[tuple[str, ...]]) -> pa.Array:
    """Return prompts as `list<dictionary<int32, utf8>>`, every distinct piece once."""
    pieces: dict[str, int] = {}
    indices = [pieces.setdefault(piece, len(pieces)) for prompt in prompts for piece in prompt]
    offsets = np.cumsum([0, *map(len, prompts)]).astype(np.int32)
    values = pa.DictionaryArray.from_arrays(
        pa.array(indices, pa.int32()), pa.array(list(pieces), pa.utf8())
    )
    return pa.ListArray.from_arrays(offsets, values)
