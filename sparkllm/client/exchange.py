"""A task's conversation with the engine, which outlives the engine process.

submit ─► window ─► sender thread ─┐            ┌─ receiver thread ─► window ─► result
                                   └► stream ───┘
         a stream that breaks: the receiver connects again (starting the process if it is
         gone) and the sender sends again what has no result yet
"""

import threading
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType

import numpy as np
import pyarrow as pa

from sparkllm.client.connection import Connection, ConnectionLostError
from sparkllm.client.errors import EngineCrashError, EngineError, EngineRefusedError
from sparkllm.client.identity import Identity, find_identity
from sparkllm.client.launcher import Launcher
from sparkllm.client.pending import Pending
from sparkllm.client.settings import EngineSettings
from sparkllm_engine.errors import RowErrorCode
from sparkllm_engine.server.protocol import REQUEST_SCHEMA, encode_command

_SILENCE = 10.0
_CLOSE_TIMEOUT = 5.0


def open_exchange(
    settings: EngineSettings,
    sampling: Mapping[str, object],
    identity: Identity | None = None,
    budget: Mapping[str, object] | None = None,
) -> "Exchange":
    """Return an exchange with the engine process of this executor.

    The process is started, if need be, when the first window is submitted.

    Args:
        settings: what determines the process.
        sampling: fields of `sparkllm_engine.SamplingParameters`, the same for all prompts.
        identity: whose engine it is, found out when None.
        budget: of the query, see `protocol.encode_command`.
    """
    return Exchange(settings, sampling, identity or find_identity(), budget)


class Exchange:
    """One per task and call; windows may overlap. Close it, or use it in a `with` statement."""

    def __init__(
        self,
        settings: EngineSettings,
        sampling: Mapping[str, object],
        identity: Identity,
        budget: Mapping[str, object] | None = None,
    ) -> None:
        self._settings = settings
        self._launcher = Launcher(settings, identity)
        self._command = encode_command(sampling, budget)
        self._changed = threading.Condition()
        self._windows: deque[Pending] = deque()
        self._unsent: deque[Pending] = deque()
        self._next_id = 0
        self._connection: Connection | None = None
        self._receiver: threading.Thread | None = None
        self._progress = False
        self._error: EngineError | None = None
        self._closed = False
        self._heard = time.monotonic()

    def submit(self, prompts: pa.Array) -> Pending:
        """Send a window of prompts; return at once.

        Args:
            prompts: `list<dictionary<int32, utf8>>` without nulls: the pieces of each prompt.

        Raises:
            ValueError: another type, or nulls.
            EngineError: the exchange is closed.
        """
        _check_prompts(prompts)
        with self._changed:
            if self._closed:
                raise EngineError("the exchange with the engine is closed")
            window = Pending(self._next_id, prompts, self._wait_for)
            self._next_id += window.rows
            if window.rows:
                self._windows.append(window)
                self._unsent.append(window)
                self._changed.notify_all()
            if self._receiver is None and window.rows:
                self._receiver = threading.Thread(
                    target=self._run, name="sparkllm-receiver", daemon=True
                )
                self._receiver.start()
        return window

    def _wait_for(self, window: Pending, seconds: float) -> None:
        """Return once a window is complete, or after this many seconds.

        Raises:
            EngineError: it won't be complete.
        """
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            with self._changed:
                if window.is_complete:
                    return
                if self._error is not None:
                    raise self._error
                if self._closed:
                    raise EngineError("the exchange with the engine was closed")
                self._changed.wait(min(_SILENCE, left))
                connection = self._connection
                silence = time.monotonic() - self._heard
            if connection is not None and silence > _SILENCE:
                connection.end_if_dead()
                self._heard = time.monotonic()

    def close(self) -> None:
        """End the exchange; prompts without a result are cancelled in the engine."""
        with self._changed:
            self._closed = True
            connection, receiver = self._connection, self._receiver
            unfinished = bool(self._windows)
            self._changed.notify_all()
        if connection is None or receiver is None:
            return
        if unfinished:
            connection.cancel()
        else:
            connection.finish()
        receiver.join(_CLOSE_TIMEOUT)
        if receiver.is_alive():
            connection.cancel()

    def __enter__(self) -> "Exchange":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _run(self) -> None:
        try:
            self._keep_talking()
        except EngineError as error:
            self._fail(error)
        except BaseException as error:
            self._fail(EngineError(f"the client of the engine failed: {error!r}"))
            raise

    def _fail(self, error: EngineError) -> None:
        with self._changed:
            self._error = error
            self._changed.notify_all()

    def _keep_talking(self) -> None:
        losses = 0
        while not self._closed:
            self._progress = False
            try:
                self._talk(self._launcher.connect(self._command))
            except ConnectionLostError as error:
                losses = 1 if self._progress else losses + 1
                if losses > self._settings.max_restarts and not self._closed:
                    raise EngineCrashError(
                        f"the engine was lost {losses} times without finishing a prompt: {error}",
                        self._launcher.log,
                    ) from error

    def _talk(self, connection: Connection) -> None:
        with self._changed:
            self._connection = connection
            self._heard = time.monotonic()
            self._unsent = deque(self._windows)
        sender = threading.Thread(
            target=self._send, args=(connection,), name="sparkllm-sender", daemon=True
        )
        sender.start()
        try:
            self._receive(connection)
        finally:
            with self._changed:
                self._connection = None
                self._changed.notify_all()
            sender.join()
            connection.close()

    def _receive(self, connection: Connection) -> None:
        if self._closed:
            connection.finish()
        while (results := connection.receive()) is not None:
            with self._changed:
                self._deliver(results)
                self._progress |= _answers_something(results)
                self._heard = time.monotonic()
                self._changed.notify_all()
        if not self._closed:
            raise ConnectionLostError("the engine ended the exchange")

    def _deliver(self, results: pa.RecordBatch) -> None:
        ids = results.column(0).to_numpy()
        for window in tuple(self._windows):
            mine = (ids >= window.first) & (ids < window.first + window.rows)
            count = np.count_nonzero(mine)
            if count == len(ids):
                window.receive(results, ids)
            elif count:
                window.receive(results.filter(pa.array(mine)), ids[mine])
            if window.is_complete:
                self._windows.remove(window)

    def _send(self, connection: Connection) -> None:
        with suppress(ConnectionLostError, EngineRefusedError):
            while (window := self._next_unsent(connection)) is not None:
                for requests in window.unanswered():
                    connection.send(requests)

    def _next_unsent(self, connection: Connection) -> Pending | None:
        with self._changed:
            while self._connection is connection and not self._closed:
                if self._unsent:
                    return self._unsent.popleft()
                self._changed.wait()
        return None


def _answers_something(results: pa.RecordBatch) -> bool:
    """Whether a prompt among them did not kill the engine."""
    code = results.schema.get_field_index("error_code")
    return set(results.column(code).unique().to_pylist()) != {str(RowErrorCode.QUARANTINED)}


def _check_prompts(prompts: pa.Array) -> None:
    wanted = REQUEST_SCHEMA.field("prompt").type
    if prompts.type != wanted:
        raise ValueError(f"prompts are of type {prompts.type}, not {wanted}")
    if prompts.null_count or prompts.values.null_count:
        raise ValueError("there are nulls among the prompts or their pieces")
