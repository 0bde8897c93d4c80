"""Asking the service until it answers, or until it is clear that it won't."""

import asyncio
import random
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import httpx2

from sparkllm_engine.errors import RowErrorCode
from sparkllm_engine.remote import chat, embeddings
from sparkllm_engine.remote.breaker import CircuitBreaker, OutageError
from sparkllm_engine.remote.chat import UnreadableAnswerError, problem_of
from sparkllm_engine.remote.config import RemoteConfig
from sparkllm_engine.remote.rate_limit import Limiter
from sparkllm_engine.request import Request, Result

_BACKOFF = 0.25
_LONGEST_BACKOFF = 20.0
_TOO_MANY = 429
_PASSING = frozenset({408, 409, 425, 500, 502, 503, 504, 529})
_UNKNOWN_CUSTOMER = 401
_SHUT_SECONDS = 30.0
_SHOWN = 300
_TOO_LONG = ("context_length_exceeded", "maximum context length", "maximum model length")


class _Form(Protocol):
    """How a kind of requests is written and read: the modules `chat` and `embeddings`."""

    PATH: str

    def body_of(self, request: Request, model: str) -> dict[str, Any]: ...

    def estimated_tokens(self, request: Request) -> int: ...

    def read_answer(self, request: Request, content: bytes) -> Result: ...


class _AttemptError(Exception):
    """An attempt without an answer that may be made again; `wait` is what the service asks for."""

    def __init__(
        self,
        reason: str,
        code: RowErrorCode = RowErrorCode.BACKEND,
        wait: float | None = None,
        is_throttled: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
        self.wait = wait
        self.is_throttled = is_throttled


class ChatService:
    """One service. Everything runs in one event loop.

    Args:
        config: which service, and within which limits.
        token: what the service knows its customer by, empty for none.
        limiter: the rate.
    """

    def __init__(self, config: RemoteConfig, token: str, limiter: Limiter) -> None:
        self._config = config
        self._token = token
        self._limiter = limiter
        self._breaker = CircuitBreaker(config.outage_timeout)
        self._not_before = 0.0
        self._shut_until = 0.0
        self._shut_reason = ""
        self._base_url = config.base_url.rstrip("/")
        self._client = httpx2.AsyncClient(
            headers={"authorization": f"Bearer {token}"} if token else {},
            limits=httpx2.Limits(max_connections=config.concurrency),
            timeout=config.timeout,
        )
        self.counts = {"attempts": 0, "throttled": 0, "failures": 0}

    async def answer(self, request: Request) -> Result:
        """Return the result of a request; every failure is an error of its row."""
        problem = problem_of(request.parameters)
        if problem is not None:
            return _error(request, RowErrorCode.INVALID_CALL, problem)
        if time.monotonic() < self._shut_until:
            return _error(request, RowErrorCode.BACKEND, f"not asked: {self._shut_reason}")
        form = _form(request)
        url = self._base_url + form.PATH
        body, tokens = form.body_of(request, self._config.model), form.estimated_tokens(request)
        began, failures, throttled = time.monotonic(), 0, 0
        while True:
            try:
                return await self._attempt(request, url, body, tokens)
            except OutageError as error:
                return _error(request, RowErrorCode.BACKEND, self._redacted(str(error)))
            except _AttemptError as failure:
                throttled += failure.is_throttled
                failures += not failure.is_throttled
                waited = time.monotonic() - began + (failure.wait or 0)
                limit = self._config.max_attempts
                if failures >= limit or (throttled and waited > self._config.outage_timeout):
                    times = "once" if failures + throttled == 1 else f"{failures + throttled} times"
                    reason = self._redacted(failure.reason)
                    return _error(request, failure.code, f"asked {times}: {reason}")
                await asyncio.sleep(_full_jitter(failures + throttled))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _attempt(
        self, request: Request, url: str, body: Mapping[str, Any], tokens: int
    ) -> Result:
        await self._breaker.enter()
        try:
            await self._limiter.acquire(tokens)
            while (wait := self._not_before - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            response = await self._post(url, body)
            result = self._read(request, response)
        except _AttemptError as failure:
            self._note(failure)
            raise
        except OSError as error:
            self._breaker.gave_up()
            raise _AttemptError(f"the rate can't be kept: {error}") from error
        except BaseException:
            self._breaker.gave_up()
            raise
        self._breaker.succeeded()
        return result

    def _note(self, failure: _AttemptError) -> None:
        if not failure.is_throttled:
            self.counts["failures"] += 1
            self._breaker.failed(failure.reason)
            return
        self.counts["throttled"] += 1
        self._breaker.succeeded()
        if failure.wait is not None and failure.wait <= self._config.outage_timeout:
            until = time.monotonic() + failure.wait + random.uniform(0, _BACKOFF)
            self._not_before = max(self._not_before, until)

    async def _post(self, url: str, body: Mapping[str, Any]) -> httpx2.Response:
        self.counts["attempts"] += 1
        timeout = self._config.timeout
        try:
            async with asyncio.timeout(timeout):
                return await self._client.post(url, json=body)
        except (TimeoutError, httpx2.TimeoutException) as error:
            message = f"no whole answer within {timeout:g} s (spark.sparkllm.openai.timeout)"
            raise _AttemptError(message, RowErrorCode.TIMEOUT) from error
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise _AttemptError(f"{type(error).__name__}: {error}") from error

    def _read(self, request: Request, response: httpx2.Response) -> Result:
        status = response.status_code
        if status == httpx2.codes.OK:
            try:
                return _form(request).read_answer(request, response.content)
            except UnreadableAnswerError as error:
                raise _AttemptError(str(error)) from error
        said = f"status {status}: {response.text[:_SHOWN]}"
        if status == _TOO_MANY or (status in _PASSING and "retry-after" in response.headers):
            raise _AttemptError(said, wait=_retry_after(response), is_throttled=True)
        if status in _PASSING:
            raise _AttemptError(said)
        if any(phrase in response.text for phrase in _TOO_LONG):
            return _error(request, RowErrorCode.OVERFLOW, self._redacted(said))
        if status == _UNKNOWN_CUSTOMER:
            said += " (the token is spark.sparkllm.openai.apiToken or $SPARKLLM_API_TOKEN)"
            self._shut_until = time.monotonic() + _SHUT_SECONDS
            self._shut_reason = self._redacted(said)
        return _error(request, RowErrorCode.BACKEND, self._redacted(said))

    def _redacted(self, text: str) -> str:
        return text.replace(self._token, "(redacted)") if self._token else text


def _form(request: Request) -> _Form:
    return embeddings if request.parameters.embedding else chat


def _full_jitter(failures: int) -> float:
    """Return seconds to wait: anything up to a bound that doubles (AWS Architecture Blog, 2015)."""
    return random.uniform(0, min(_LONGEST_BACKOFF, _BACKOFF * 2.0 ** min(failures, 10)))


def _retry_after(response: httpx2.Response) -> float | None:
    """Return the seconds of a `Retry-After` header (RFC 9110, 10.2.3), a number or a date."""
    value = response.headers.get("retry-after", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


def _error(request: Request, code: RowErrorCode, message: str) -> Result:
    return Result(request.id, None, "error", code, message)
