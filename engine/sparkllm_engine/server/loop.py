"""The one thread that drives the engine: messages in, requests added, a step, results out.

exchanges ─► Answers.claim ─► inbox ─► backlog ─► engine.add ─► engine.step ─► Answers.complete
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Protocol

from sparkllm_engine.errors import RowErrorCode
from sparkllm_engine.request import Request, Result, SamplingParameters
from sparkllm_engine.server.answers import Answers, is_determined
from sparkllm_engine.server.outbox import Outbox
from sparkllm_engine.server.prompts import RequestBatch

_ROWS_BETWEEN_STEPS = 1024
_FAILURES_IN_A_ROW = 3
_log = logging.getLogger(__name__)

Statistics = dict[str, float | int]


class Engine(Protocol):
    """What the loop needs of an engine; `sparkllm_engine.LLMEngine` is one."""

    @property
    def has_unfinished(self) -> bool:
        """Whether a step would do anything."""

    def add(self, request: Request) -> None:
        """Take a request."""

    def step(self) -> list[Result]:
        """Compute for a while, and return what has finished."""

    def cancel(self, ids: Iterable[int]) -> None:
        """Forget requests."""

    def statistics(self) -> Statistics:
        """Return counters."""


@dataclass(slots=True)
class _Submission:
    ids: list[int]
    prompts: list[tuple[str, ...]]
    parameters: SamplingParameters
    added: int = 0


class EngineLoop:
    """Drives an engine in `run`; the other methods may be called from any thread."""

    def __init__(self, engine: Engine, answers: Answers) -> None:
        self._engine = engine
        self._answers = answers
        self._inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._backlog: deque[_Submission] = deque()
        self._failures = 0
        self._last_step = time.monotonic()

    def submit(self, batch: RequestBatch, parameters: SamplingParameters, outbox: Outbox) -> None:
        """Have the requests answered into `outbox`, in any order, one result each."""
        outbox.expect(len(batch.ids))
        new = self._answers.claim(batch, is_determined(parameters), outbox)
        if new.ids:
            submission = _Submission(new.ids, new.prompts, parameters)
            self._inbox.put(partial(self._backlog.append, submission))

    def cancel(self, outbox: Outbox) -> None:
        """Drop what only `outbox` waits for."""
        unwanted = self._answers.abandon(outbox)
        if unwanted:
            self._inbox.put(partial(self._engine.cancel, unwanted))

    def statistics(self, timeout: float) -> Statistics:
        """Return the counters of the engine and of the answers, taken between two steps.

        Raises:
            TimeoutError: no step ended within `timeout` seconds.
        """
        future: Future[Statistics] = Future()
        self._inbox.put(lambda: future.set_result(self._engine.statistics()))
        return {**future.result(timeout), **self._answers.statistics()}

    @property
    def warning(self) -> str | None:
        """What the user should know though nothing fails, None for nothing."""
        return self._answers.warning

    def seconds_since_step(self) -> float:
        """Return how long ago the last step ended, in seconds."""
        return time.monotonic() - self._last_step

    def run(self) -> None:
        """Drive the engine for ever, in the calling thread.

        Raises:
            Exception: the engine can't go on.
        """
        while True:
            self._read_messages()
            self._add_requests()
            if self._engine.has_unfinished:
                self._step()

    def _read_messages(self) -> None:
        if not self._backlog and not self._engine.has_unfinished:
            self._inbox.get()()
        while not self._inbox.empty():
            self._inbox.get()()

    def _add_requests(self) -> None:
        room = _ROWS_BETWEEN_STEPS
        wanted, add = self._answers.is_wanted, self._engine.add
        while self._backlog and room > 0:
            submission = self._backlog[0]
            rows = slice(submission.added, submission.added + room)
            parameters = submission.parameters
            for request, prompt in zip(submission.ids[rows], submission.prompts[rows], strict=True):
                if wanted(request):
                    try:
                        add(Request(request, prompt, parameters))
                    except Exception as error:
                        _log.exception("the engine did not take a request")
                        self._answers.complete([_failed(request, error)])
            added = min(room, len(submission.ids) - submission.added)
            submission.added += added
            room -= added
            if submission.added == len(submission.ids):
                self._backlog.popleft()

    def _step(self) -> None:
        try:
            results = self._engine.step()
        except Exception as error:
            self._failures += 1
            if self._failures == _FAILURES_IN_A_ROW:
                raise
            _log.exception("a step of the engine failed; its requests end in an error")
            self._give_up_requests(error)
        else:
            self._failures = 0
            self._answers.complete(results)
        self._last_step = time.monotonic()

    def _give_up_requests(self, error: Exception) -> None:
        waiting = {
            request
            for submission in self._backlog
            for request in submission.ids[submission.added :]
        }
        given_up = [request for request in self._answers.unfinished() if request not in waiting]
        self._engine.cancel(given_up)
        self._answers.complete(_failed(request, error) for request in given_up)


def _failed(request: int, error: Exception) -> Result:
    message = f"the engine failed: {type(error).__name__}: {error}"
    return Result(request, None, "error", RowErrorCode.ENGINE, message)
