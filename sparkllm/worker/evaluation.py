"""Several questions about the rows of a task, window by window."""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace

import pyarrow as pa

from sparkllm.client import open_exchange
from sparkllm.ledger import Usage
from sparkllm.worker.previewing import PreviewExchange
from sparkllm.worker.question import Question
from sparkllm.worker.reporting import Reporter
from sparkllm.worker.settings import task_settings
from sparkllm.worker.token_count import TokenCountExchange
from sparkllm.worker.window import windows
from sparkllm.worker.window_plan import WindowPlanner
from sparkllm.worker.window_request import AnyExchange, WindowRequest, send
from sparkllm_engine.server.budget import Prices

_WINDOWS_AHEAD = 1
_REPORT_EVERY = 0.5  # seconds


@dataclass(frozen=True, slots=True)
class WindowAnswers:
    """The answers of each question to the rows of one window, and what they cost together."""

    answers: list[pa.Array]
    usage: Usage


def evaluate(
    questions: Sequence[Question], batches: Iterable[pa.RecordBatch]
) -> Iterator[WindowAnswers]:
    """Yield the answers to all rows of `batches` in order.

    A row whose columns are all NULL has the answer NULL and makes no call. A row that ends in an
    error has the answer NULL; its error is logged and counted.

    Raises:
        EngineError: the engine cannot be started, or died too often.
    """
    settings = task_settings()
    budget = asdict(settings.budget) if settings.budget else None
    waiting: deque[_Window] = deque()
    free = 0.0
    calls = ", ".join(question.call.title for question in questions)
    with Reporter(settings, calls) as reporter, ExitStack() as open_exchanges:
        exchanges: list[AnyExchange] = []
        for question in questions:
            if settings.preview:
                shown = PreviewExchange(question.call, reporter)
                exchanges.append(open_exchanges.enter_context(shown))
            elif question.prompt.answer == "tokens":
                counted = TokenCountExchange(settings.engine.model)
                exchanges.append(open_exchanges.enter_context(counted))
            else:
                asked = open_exchange(settings.engine, question.sampling, budget=budget)
                exchanges.append(open_exchanges.enter_context(asked))
        planners = [WindowPlanner(settings.plan) for _ in questions]
        for table in windows(batches, settings.window_rows):
            waiting.append(_Window.send(questions, table, planners, exchanges))
            if len(waiting) > _WINDOWS_AHEAD:
                window = waiting.popleft()
                yield window.answers(reporter, free, settings.prices)
                free = window.finished
        while waiting:
            window = waiting.popleft()
            yield window.answers(reporter, free, settings.prices)
            free = window.finished


@dataclass(frozen=True, slots=True)
class _Window:
    """A window whose distinct inputs of every question are with the engine.

    `started` and `sent` are moments of the monotonic clock, in seconds.
    """

    requests: list[WindowRequest]
    rows: int
    started: float
    sent: float

    @classmethod
    def send(
        cls,
        questions: Sequence[Question],
        rows: pa.Table,
        planners: Sequence[WindowPlanner],
        exchanges: Sequence[AnyExchange],
    ) -> "_Window":
        started = time.monotonic()
        requests = [
            send(question, rows, planner, exchange)
            for question, planner, exchange in zip(questions, planners, exchanges, strict=True)
        ]
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
        asked = sum(request.asked for request in self.requests)
        for request in self.requests:
            while not request.wait(_REPORT_EVERY):
                answered = sum(other.answered for other in self.requests)
                reporter.under_way(self.rows * answered // asked)
