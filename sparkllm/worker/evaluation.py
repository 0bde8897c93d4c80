"""Several questions about the rows of a task, window by window."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from functools import partial

import pyarrow as pa

from sparkllm.client import EngineSettings, open_exchange
from sparkllm.ledger import Usage
from sparkllm.worker.groups import GroupAsker, GroupsRequest
from sparkllm.worker.previewing import PreviewExchange
from sparkllm.worker.question import Question
from sparkllm.worker.reporting import Reporter
from sparkllm.worker.settings import WorkerSettings, task_settings
from sparkllm.worker.token_count import TokenCountExchange
from sparkllm.worker.window import windows
from sparkllm.worker.window_plan import WindowPlanner
from sparkllm.worker.window_request import AnyExchange, WindowRequest, send
from sparkllm_engine.server.budget import Prices

_WINDOWS_AHEAD = 1
_REPORT_EVERY = 0.5  # seconds


_AnyRequest = WindowRequest | GroupsRequest
_Send = Callable[[pa.Table], _AnyRequest]


@dataclass(frozen=True, slots=True)
class WindowAnswers:
    """The answers of each question to the rows of one window, and what they cost together."""

    answers: list[pa.Array]
    usage: Usage


def evaluate(
    questions: Sequence[Question],
    batches: Iterable[pa.RecordBatch],
    known_rows: int | None = None,
) -> Iterator[WindowAnswers]:
    """Yield the answers to all rows of `batches` in order.

    A row whose columns are all NULL has the answer NULL and makes no call. A row that ends in an
    error has the answer NULL; its error is logged and counted.

    Args:
        questions: about each row.
        batches: the rows of this task.
        known_rows: how many rows all tasks of the operator have, if that is known.

    Raises:
        EngineError: the engine cannot be started, or died too often.
    """
    settings = task_settings()
    budget = asdict(settings.budget) if settings.budget else None
    waiting: deque[_Window] = deque()
    free = 0.0
    calls = ", ".join(question.call.title for question in questions)
    with Reporter(settings, calls, known_rows) as reporter, ExitStack() as open_exchanges:

        def opened(question: Question) -> AnyExchange:
            if settings.preview:
                return open_exchanges.enter_context(
                    PreviewExchange(question.call, reporter, settings.engine.model)
                )
            if question.prompt.answer == "tokens":
                return open_exchanges.enter_context(TokenCountExchange(settings.engine.model))
            asked = open_exchange(_engine_for(question, settings), question.sampling, budget=budget)
            return open_exchanges.enter_context(asked)

        def sender(question: Question) -> _Send:
            if question.prompt.combining:
                return GroupAsker(question, settings.engine, opened).send
            planner = WindowPlanner(settings.plan, question.order, question.slots)
            return partial(send, question, planner=planner, exchange=opened(question))

        senders = [sender(question) for question in questions]
        for table in windows(batches, settings.window_rows):
            waiting.append(_Window.send(senders, table))
            if len(waiting) > _WINDOWS_AHEAD:
                window = waiting.popleft()
                yield window.answers(reporter, free, settings.prices)
                free = window.finished
        while waiting:
            window = waiting.popleft()
            yield window.answers(reporter, free, settings.prices)
            free = window.finished


def _engine_for(question: Question, settings: WorkerSettings) -> EngineSettings:
    if question.prompt.answer != "embedding":
        return settings.engine
    return settings.engine.embedding(question.prompt.model or settings.embedding_model)


@dataclass(frozen=True, slots=True)
class _Window:
    """A window whose distinct inputs of every question are with the engine.

    `started` and `sent` are moments of the monotonic clock, in seconds.
    """

    requests: list[_AnyRequest]
    rows: int
    started: float
    sent: float

    @classmethod
    def send(
        cls,
        senders: Sequence[_Send],
        rows: pa.Table,
    ) -> "_Window":
        started = time.monotonic()
        requests = [sender(rows) for sender in senders]
        return cls(requests, rows.num_rows, started, time.monotonic())

    @property
    def finished(self) -> float:
        """When the engine had answered everything; `sent` where it was asked nothing."""
        return max([self.sent, *(request.finished for request in self.requests)])

    def answers(self, reporter: Reporter, free: float, prices: Prices) -> WindowAnswers:
        """Wait for all answers, report them, and return them in row order.

        Args:
            free: when the window before this one was finished.
            prices: of tokens.
        """
        self._wait(reporter)
        placing = time.monotonic()
        answered = [request.answers(reporter, prices) for request in self.requests]
        ended = time.monotonic()
        began = min(max(self.sent, free), self.finished)
        usage = replace(
            sum((usage for _, usage in answered), Usage()),
            rows=self.rows,
            seconds=ended - self.started,
            engine_seconds=self.finished - began,
            queue_seconds=began - self.sent,
            worker_seconds=self.sent - self.started + ended - placing,
        )
        reporter.window(usage)
        return WindowAnswers([column for column, _ in answered], usage)

    def _wait(self, reporter: Reporter) -> None:
        waiting = self.requests
        reported = time.monotonic()
        while waiting := [one for one in waiting if not one.wait(_REPORT_EVERY / len(waiting))]:
            if time.monotonic() - reported >= _REPORT_EVERY:
                reported = time.monotonic()
                asked = sum(request.asked for request in self.requests)
                answered = sum(request.answered for request in self.requests)
                reporter.under_way(self.rows * answered // asked)
