"""Requests and tokens a minute, for all executors together: granted one by one by the driver.

A grant is remembered for its window. Two windows are kept: the minute, and a tenth of it with a
tenth of the limit, so that a minute's requests don't come at once. Both are 5% longer than they
say, for what the network does to the distance of two requests.
"""

import asyncio
import json
import math
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Protocol

_MINUTE = 60.0
_PARTS = (1, 10)
_MARGIN = 1.05
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class RateLimit:
    """Most requests and tokens a minute, 0 for any number."""

    requests: int = 0
    tokens: int = 0

    def __bool__(self) -> bool:
        """Whether there is a limit."""
        return self.requests > 0 or self.tokens > 0


@dataclass(slots=True)
class _Window:
    seconds: float
    requests: float
    tokens: float
    granted: deque[tuple[float, int]] = field(default_factory=deque)
    sum: int = 0

    def wait(self, tokens: int, now: float) -> float:
        """Return how long to wait before asking again, 0 when there is room."""
        while self.granted and self.granted[0][0] <= now - self.seconds:
            self.sum -= self.granted.popleft()[1]
        if not self.granted:
            return 0.0
        full = len(self.granted) + 1 > self.requests or self.sum + tokens > self.tokens
        return self.granted[0][0] + self.seconds - now if full else 0.0

    def grant(self, tokens: int, now: float) -> None:
        self.granted.append((now, tokens))
        self.sum += tokens


class WindowLimiter:
    """Grants requests within a limit. Any thread may call it."""

    def __init__(self, limit: RateLimit) -> None:
        self._lock = threading.Lock()
        self._windows = [
            _Window(
                _MARGIN * _MINUTE / parts,
                max(1, limit.requests // parts) if limit.requests else math.inf,
                max(1, limit.tokens // parts) if limit.tokens else math.inf,
            )
            for parts in _PARTS
        ]

    def ask(self, tokens: int, now: float | None = None) -> float:
        """Return 0 when a request of so many tokens is granted, else seconds to wait."""
        with self._lock:
            moment = time.monotonic() if now is None else now
            wait = max(window.wait(tokens, moment) for window in self._windows)
            if wait <= 0:
                for window in self._windows:
                    window.grant(tokens, moment)
            return max(0.0, wait)


class Limiter(Protocol):
    """Lets requests through at a rate."""

    async def acquire(self, tokens: int) -> None:
        """Wait until a request of so many tokens may go."""


class LocalLimiter:
    """Keeps a limit for this process alone."""

    def __init__(self, limit: RateLimit) -> None:
        self._limiter = WindowLimiter(limit) if limit else None
        self._turn = asyncio.Lock()

    async def acquire(self, tokens: int) -> None:
        """Wait until a request of so many tokens may go."""
        if self._limiter is None:
            return
        async with self._turn:
            while (wait := self._limiter.ask(tokens)) > 0:
                await asyncio.sleep(wait)


class DriverLimiter:
    """Asks the driver, which keeps the limit for all executors.

    Args:
        address: `host:port` of the driver's listener.
        greeting: the lines that open a connection to it.
        limit: the limit, which goes along with each question.
    """

    def __init__(self, address: str, greeting: str, limit: RateLimit) -> None:
        self._address = address
        self._greeting = greeting
        self._limit = limit
        self._turn = asyncio.Lock()
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def acquire(self, tokens: int) -> None:
        """Wait until a request of so many tokens may go.

        Raises:
            OSError: the driver can't be reached.
        """
        async with self._turn:
            while (wait := await self._ask(tokens)) > 0:
                await asyncio.sleep(wait)

    async def _ask(self, tokens: int) -> float:
        question = {
            "tokens": tokens,
            "limit": {"requests": self._limit.requests, "tokens": self._limit.tokens},
        }
        try:
            async with asyncio.timeout(_PATIENCE):
                reader, writer = await self._connected()
                writer.write(json.dumps({"rate": question}).encode() + b"\n")
                return float(json.loads(await reader.readline())["wait"])
        except BaseException as error:
            self._disconnect()
            if isinstance(error, (ValueError, KeyError, TypeError, TimeoutError)):
                raise OSError(f"the driver does not tell the rate: {error!r}") from error
            raise

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._stream is None:
            host, _, port = self._address.rpartition(":")
            self._stream = await asyncio.open_connection(host, int(port))
            self._stream[1].write(self._greeting.encode())
        return self._stream

    def _disconnect(self) -> None:
        if self._stream is not None:
            self._stream[1].close()
            self._stream = None
