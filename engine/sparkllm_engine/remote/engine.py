"""The engine that asks a service: requests in, results out, the talking in a thread of its own."""

import asyncio
import os
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import CancelledError, Future
from queue import Empty, SimpleQueue
from typing import ClassVar, Final

from sparkllm_engine.errors import RowErrorCode
from sparkllm_engine.remote.config import RemoteConfig
from sparkllm_engine.remote.rate_limit import DriverLimiter, Limiter, LocalLimiter, RateLimit
from sparkllm_engine.remote.service import ChatService
from sparkllm_engine.request import Request, Result

TOKEN_VARIABLE: Final = "SPARKLLM_API_TOKEN"
DRIVER_VARIABLE: Final = "SPARKLLM_RATE_DRIVER"
_STEP_SECONDS = 0.05


class RemoteEngine:
    """Has the methods of `LLMEngine`, and asks the service in the order of `add`.

    Two variables of the environment are read, and removed: `SPARKLLM_API_TOKEN`, and
    `SPARKLLM_RATE_DRIVER`, which is address, token and application of the driver that keeps the
    rate, with blanks between them; without it this process keeps the rate for itself.

    Attributes:
        most_inside: how many requests are worth having in the engine at once.
    """

    configuration: ClassVar[type[RemoteConfig]] = RemoteConfig

    def __init__(self, config: RemoteConfig) -> None:
        self._config = config
        self.most_inside = 2 * config.concurrency
        self._token = os.environ.pop(TOKEN_VARIABLE, "")
        self._driver = os.environ.pop(DRIVER_VARIABLE, "").split(" ")
        self._unfinished: dict[int, Future[None]] = {}
        self._done: SimpleQueue[Result] = SimpleQueue()
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="sparkllm-http", daemon=True).start()
        self._service, self._places = asyncio.run_coroutine_threadsafe(
            self._make(), self._loop
        ).result()

    @property
    def identity(self) -> Mapping[str, object]:
        """What determines answers, as far as one can know of a service."""
        return {"base_url": self._config.base_url, "model": self._config.model}

    @property
    def has_unfinished(self) -> bool:
        """Whether requests are under way."""
        return bool(self._unfinished)

    def add(self, request: Request) -> None:
        """Ask for an answer; at most `concurrency` are asked for at once, in order."""
        self._unfinished[request.id] = asyncio.run_coroutine_threadsafe(
            self._answer(request), self._loop
        )

    def step(self) -> list[Result]:
        """Wait a moment for answers, and return those that came."""
        results: list[Result] = []
        try:
            results.append(self._done.get(timeout=_STEP_SECONDS))
            while True:
                results.append(self._done.get_nowait())
        except Empty:
            pass
        return [one for one in results if self._unfinished.pop(one.id, None) is not None]

    def cancel(self, ids: Iterable[int]) -> None:
        """Break off requests."""
        for request in ids:
            future = self._unfinished.pop(request, None)
            if future is not None:
                future.cancel()

    def statistics(self) -> dict[str, float | int]:
        """Return requests under way, and attempts, throttled ones and failures so far."""
        return {"waiting": len(self._unfinished), **self._service.counts}

    async def _make(self) -> tuple[ChatService, asyncio.Semaphore]:
        service = ChatService(self._config, self._token, self._limiter())
        return service, asyncio.Semaphore(self._config.concurrency)

    def _limiter(self) -> Limiter:
        limit = RateLimit(self._config.requests_per_minute, self._config.tokens_per_minute)
        if not limit or len(self._driver) != 3:
            return LocalLimiter(limit)
        address, token, application = self._driver
        return DriverLimiter(address, f"{token}\n{application}\n", limit)

    async def _answer(self, request: Request) -> None:
        try:
            async with self._places:
                result = await self._service.answer(request)
        except (asyncio.CancelledError, CancelledError):
            raise
        except Exception as error:
            message = f"the client of the service failed: {type(error).__name__}: {error}"
            result = Result(request.id, None, "error", RowErrorCode.BACKEND, message)
        self._done.put(result)
