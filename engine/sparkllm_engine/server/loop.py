"""The one thread that drives the engine: messages in, requests added, a step, results out.

exchanges ─► Answers.claim ─► inbox ─► Company ─► engine.add ─► engine.step ─► Answers.complete
"""

import logging
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Protocol, runtime_checkable

from sparkllm_engine.errors import RowErrorCode
from sparkllm_engine.request import Request, Result, SamplingParameters
from sparkllm_engine.server.answers import Answers, is_determined
from sparkllm_engine.server.company import Candidate, Company
from sparkllm_engine.server.journal import Journal, Legacy, read_legacy
from sparkllm_engine.server.metering import Account, MeteredEngine
from sparkllm_engine.server.outbox import Outbox
from sparkllm_engine.server.prompts import RequestBatch

_FAILURES_IN_A_ROW = 5
_ROWS_INSIDE = 512
_POLL_SECONDS = 0.5
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


@runtime_checkable
class Bounded(Protocol):
    """An engine that knows how many requests it is worth having in it at once."""

    most_inside: int


@runtime_checkable
class Startable(Protocol):
    """An engine that does not start before it is told to."""

    def start(self) -> None:
        """Start, if that has not been done."""


@dataclass(frozen=True, slots=True)
class _Inside:
    candidate: Candidate
    since: float


class EngineLoop:
    """Drives an engine in `run`; the other methods may be called from any thread.

    Args:
        engine: the engine.
        answers: who waits for which request.
        journal: path of the file that says what is in the engine, None for none.
        request_timeout: seconds that a request may be in the engine.
        start_timeout: seconds that starting the engine may take, if it is `Startable`.
    """

    def __init__(
        self,
        engine: Engine,
        answers: Answers,
        journal: Path | None = None,
        request_timeout: float = float("inf"),
        start_timeout: float = float("inf"),
    ) -> None:
        self._engine = self.meter = MeteredEngine(engine)
        self._start = engine.start if isinstance(engine, Startable) else None
        self._answers = answers
        self._timeout = request_timeout
        self._start_timeout = start_timeout
        legacy = read_legacy(journal) if journal else Legacy()
        self._quarantined = dict(legacy.quarantined)
        self._journal = Journal(journal, legacy)
        most = engine.most_inside if isinstance(engine, Bounded) else _ROWS_INSIDE
        self._company = Company(dict(legacy.deaths), most)
        self._inside: dict[int, _Inside] = {}
        self._inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._failures = 0
        self._last_step = time.monotonic()
        self._deadline: float | None = None
        if legacy.deaths:
            _log.warning("a process died with %d requests: they go apart", len(legacy.deaths))

    def submit(
        self,
        batch: RequestBatch,
        parameters: SamplingParameters,
        outbox: Outbox,
        account: Account | None = None,
    ) -> None:
        """Have the requests answered into `outbox`, in any order, one result each.

        Args:
            batch: the requests.
            parameters: of all of them.
            outbox: of the client.
            account: of the query, if it has a budget.
        """
        outbox.expect(len(batch.ids))
        budget = account.terms.query if account else ""
        new = self._answers.claim(batch, is_determined(parameters), outbox, budget)
        if account:
            account.own(new.ids)
        if new.ids:
            candidates = [
                Candidate(Request(request, prompt, parameters), key)
                for request, prompt, key in zip(new.ids, new.prompts, new.keys, strict=True)
            ]
            self._inbox.put(partial(self._take, candidates))

    def cancel(self, outbox: Outbox) -> None:
        """Drop what only `outbox` waits for."""
        unwanted = self._answers.abandon(outbox)
        if unwanted:
            self._inbox.put(partial(self._drop, unwanted))

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

    def wait_until_stuck(self) -> None:
        """Wait until a step, or the start of the engine, has taken longer than it may."""
        while True:
            deadline = self._deadline
            if deadline is not None and time.monotonic() > deadline:
                return
            time.sleep(min(_POLL_SECONDS, self._timeout / 4))

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
                self._give_up_late_ones()

    def _read_messages(self) -> None:
        if not self._company and not self._engine.has_unfinished:
            self._inbox.get()()
        while not self._inbox.empty():
            self._inbox.get()()

    def _take(self, candidates: list[Candidate]) -> None:
        if self._quarantined:
            kept = [one for one in candidates if one.key not in self._quarantined]
            self._answers.complete(
                _quarantined(one.request.id, self._quarantined[one.key])
                for one in candidates
                if one.key in self._quarantined
            )
            candidates = kept
        self._company.wait(candidates)

    def _add_requests(self) -> None:
        entering = self._company.next(len(self._inside), self._answers.is_wanted)
        if not entering:
            return
        self._start_engine()
        self._journal.entered(candidate.key for candidate in entering)
        now = time.monotonic()
        for candidate in entering:
            request = candidate.request
            self._inside[request.id] = _Inside(candidate, now)
            try:
                self._engine.add(request)
            except Exception as error:
                _log.exception("the engine did not take a request")
                self._complete([_failed(request.id, error)])

    def _start_engine(self) -> None:
        """Start it before any request is said to be in it: no row is suspected of a bad start."""
        if self._start is None:
            return
        self._deadline = time.monotonic() + self._start_timeout
        self._start()
        self._start = self._deadline = None

    def _step(self) -> None:
        self._deadline = time.monotonic() + self._timeout
        try:
            results = self._engine.step()
        except Exception as error:
            self._failures += 1
            if self._failures == _FAILURES_IN_A_ROW:
                raise
            _log.exception("a step of the engine failed with %d requests", len(self._inside))
            self._deadline = None
            self._set_apart(error)
        else:
            self._deadline = None
            if results:
                self._failures = 0
            # Nobody waits for what was cancelled, or it is asked again under the same number.
            self._complete([result for result in results if result.finish_reason != "cancelled"])
        self._last_step = time.monotonic()

    def _complete(self, results: list[Result]) -> None:
        self._leave(result.id for result in results)
        self._answers.complete(results)

    def _leave(self, ids: Iterable[int]) -> list[Candidate]:
        inside = [self._inside.pop(request, None) for request in ids]
        left = [one.candidate for one in inside if one is not None]
        keys = [candidate.key for candidate in left]
        self._journal.left(keys)
        self._company.clear(keys)
        return left

    def _drop(self, ids: list[int]) -> None:
        self._engine.cancel(ids)
        self._leave(ids)

    def _set_apart(self, error: Exception) -> None:
        """Ask the requests in the engine again in smaller company; one that was alone fails."""
        ids = list(self._inside)
        self._engine.cancel(ids)
        candidates = [one.candidate for one in self._inside.values()]
        if len(ids) == 1:
            self._complete([_failed(ids[0], error)])
            return
        self._journal.left(candidate.key for candidate in candidates)
        self._inside.clear()
        self._company.suspect(candidates)

    def _give_up_late_ones(self) -> None:
        """End the requests whose time is up; they are in the order in which they entered."""
        oldest = time.monotonic() - self._timeout
        late = []
        for request, inside in self._inside.items():
            if inside.since > oldest:
                break
            late.append(request)
        if late:
            self._engine.cancel(late)
            self._complete([_late(request, self._timeout) for request in late])


def _failed(request: int, error: Exception) -> Result:
    message = f"the engine failed: {type(error).__name__}: {error}"
    return Result(request, None, "error", RowErrorCode.ENGINE, message)


def _late(request: int, timeout: float) -> Result:
    message = (
        f"no answer within {timeout:g} s in the engine: "
        "raise spark.sparkllm.engine.requestTimeout, or ask for a shorter answer"
    )
    return Result(request, None, "error", RowErrorCode.TIMEOUT, message)


def _quarantined(request: int, deaths: int) -> Result:
    message = (
        f"the engine process ended or hung {deaths} times while it worked on this row, "
        "the last time on nothing else: it is not asked again"
    )
    return Result(request, None, "error", RowErrorCode.QUARANTINED, message)
