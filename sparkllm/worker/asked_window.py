"""A window of rows on its way through its calls.

Where all rows are wanted, all calls are asked at once. Else each is asked when those before it are
answered, about the rows for which it may still decide whether they are wanted; a call whose answer
wanted rows have in any case, about all that may be wanted.
"""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import pyarrow as pa

from sparkllm.ledger import Usage
from sparkllm.worker.condition import Rows, Wanted, needing, truth
from sparkllm.worker.groups import GroupsRequest
from sparkllm.worker.predicate_order import PredicateOrder
from sparkllm.worker.question import Question
from sparkllm.worker.reporting import Reporter
from sparkllm.worker.window_request import SKIPPED, WindowRequest
from sparkllm_engine.server.budget import Prices

AnyRequest = WindowRequest | GroupsRequest

_REPORT_EVERY = 0.5  # seconds
_BYTES_A_TOKEN = 4
_ANSWER_TOKENS = 32


class Send(Protocol):
    """Asks one call about the rows of a window that are wanted, all if it is None."""

    def __call__(self, rows: pa.Table, *, wanted: Rows | None) -> AnyRequest:
        """Return what is under way."""


@dataclass(frozen=True, slots=True)
class WindowAnswers:
    """The answers of each question to the rows of one window, and what they cost together."""

    answers: list[pa.Array]
    usage: Usage


class Asking:
    """What the windows of a task have in common: its calls, and what is known of them.

    Args:
        questions: the calls.
        senders: one for each.
        wanted: which rows are, None to ask everything about all.
    """

    def __init__(
        self,
        questions: Sequence[Question],
        senders: Sequence[Send],
        wanted: Wanted | None = None,
    ) -> None:
        self.questions = questions
        self.wanted = wanted
        self.senders = senders
        self.order: PredicateOrder | None = None

    @property
    def has_to_learn(self) -> bool:
        """Whether an order is wanted, and no window was answered yet."""
        return self.order is not None and not self.order.has_learned

    def turns(self, rows: pa.Table) -> Iterator[list[int]]:
        """Yield the calls that are asked together, in order."""
        everything = range(len(self.questions))
        if self.wanted is None:
            yield list(everything)
            return
        if self.order is None:
            guesses = [_tokens_a_row(question, rows) for question in self.questions]
            self.order = PredicateOrder(self.wanted, guesses)
        ordered = self.order.calls()
        yield from ([call] for call in ordered)
        others = [call for call in everything if call not in ordered]
        if others:
            yield others


class AskedWindow:
    """A window whose first calls are with the engine."""

    def __init__(self, asking: Asking, rows: pa.Table) -> None:
        self._asking = asking
        self._rows = rows
        self._began = time.monotonic()
        self._turns = deque(asking.turns(rows))
        self._requests: dict[int, AnyRequest] = {}
        self._answers: dict[int, pa.Array] = {}
        self._usage = Usage()
        self._ask(self._turns.popleft())
        self._sent = time.monotonic()

    @property
    def finished(self) -> float:
        """When the engine had answered everything that was asked, on the monotonic clock."""
        return max([self._sent, *(request.finished for request in self._requests.values())])

    def answers(self, reporter: Reporter, free: float, prices: Prices) -> WindowAnswers:
        """Wait for all answers, report them, and return them in row order.

        Args:
            reporter: of the task.
            free: when the window before this one was finished.
            prices: of tokens.
        """
        working = self._sent - self._began
        while True:
            self._wait(reporter)
            since = time.monotonic()
            self._place(reporter, prices)
            if self._turns:
                self._ask(self._turns.popleft())
                working += time.monotonic() - since
            else:
                break
        ended = time.monotonic()
        began = min(max(self._sent, free), self.finished)
        usage = replace(
            self._usage,
            rows=self._rows.num_rows,
            seconds=ended - self._began,
            engine_seconds=self.finished - began,
            queue_seconds=began - self._sent,
            worker_seconds=working + ended - since,
        )
        reporter.window(usage)
        return WindowAnswers([self._answers[call] for call in sorted(self._answers)], usage)

    def _ask(self, calls: Sequence[int]) -> None:
        for call in calls:
            self._requests[call] = self._asking.senders[call](self._rows, wanted=self._wanted(call))

    def _wanted(self, call: int) -> Rows | None:
        wanted, rows = self._asking.wanted, self._rows.num_rows
        if wanted is None:
            return None
        values = {
            done: answers.field(0) if self._asking.questions[done].call.detail else answers
            for done, answers in self._answers.items()
        }
        needed = needing(wanted.condition, call, values, rows)
        if call in wanted.kept or not wanted.names(call):
            return needed | (truth(wanted.condition, values, rows) >= 0)
        return needed

    def _place(self, reporter: Reporter, prices: Prices) -> None:
        """Take the answers that have come, and learn from them."""
        for call, request in self._requests.items():
            if call in self._answers:
                continue
            self._answers[call], usage = request.answers(reporter, prices)
            self._usage += usage
            if self._asking.order is not None:
                answers = self._answers[call]
                detail = self._asking.questions[call].call.detail
                self._asking.order.learn(
                    call,
                    request.answer_of != SKIPPED,
                    answers.field(0) if detail else answers,
                    usage.prompt_tokens - usage.cached_tokens + usage.output_tokens,
                )

    def _wait(self, reporter: Reporter) -> None:
        waiting = list(self._requests.values())
        reported = time.monotonic()
        while waiting := [one for one in waiting if not one.wait(_REPORT_EVERY / len(waiting))]:
            if time.monotonic() - reported >= _REPORT_EVERY:
                reported = time.monotonic()
                asked = sum(request.asked for request in self._requests.values())
                answered = sum(request.answered for request in self._requests.values())
                reporter.under_way(self._rows.num_rows * answered // asked)


def _tokens_a_row(question: Question, rows: pa.Table) -> float:
    """About how many tokens a call takes for a row, as far as its arguments say."""
    answer = 1 if question.prompt.choices else _ANSWER_TOKENS
    size = int(question.inputs(rows).nbytes)
    characters = size / max(1, int(rows.num_rows))
    return characters / _BYTES_A_TOKEN + answer
