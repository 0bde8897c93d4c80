"""A circuit breaker: a service that keeps failing is left alone, but for a try now and then.

closed ── `_FAILURES` in a row ─► open: nobody enters ── pause ─► one enters ── good ─► closed
                                          ▲                          └── bad: twice the pause ─┐
                                          └────────────────────────────────────────────────────┘
"""

import asyncio
import random
import time

_FAILURES = 10
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_POLL_SECONDS = 0.1


class OutageError(Exception):
    """The service has been failing for longer than rows wait."""


class CircuitBreaker:
    """Lets requests of one event loop through.

    Args:
        outage_timeout: seconds after which those that wait are told that there is an outage.
    """

    def __init__(self, outage_timeout: float) -> None:
        self._outage_timeout = outage_timeout
        self._failures = 0
        self._pause = _FIRST_PAUSE
        self._open_since: float | None = None
        self._next_try = 0.0
        self._trying = False
        self._reason = ""

    async def enter(self) -> None:
        """Wait until a request may go; then tell `succeeded`, `failed` or `gave_up`.

        Raises:
            OutageError: none may for too long.
        """
        while self._open_since is not None:
            now = time.monotonic()
            if not self._trying and now >= self._next_try:
                self._trying = True
                return
            away = now - self._open_since
            if away > self._outage_timeout:
                raise OutageError(
                    f"the service has failed for {away:.0f} s, the last time: {self._reason}"
                )
            await asyncio.sleep(_POLL_SECONDS)

    def succeeded(self) -> None:
        """Note that the service works."""
        self._failures = 0
        self._pause = _FIRST_PAUSE
        self._open_since = None
        self._trying = False

    def failed(self, reason: str) -> None:
        """Note that the service failed."""
        self._failures += 1
        self._reason = reason
        self._trying = False
        if self._open_since is None and self._failures < _FAILURES:
            return
        now = time.monotonic()
        if self._open_since is None:
            self._open_since = now
        if now >= self._next_try:
            self._next_try = now + self._pause * random.uniform(0.5, 1)
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def gave_up(self) -> None:
        """Note that a request was not sent, or its answer not waited for."""
        self._trying = False
