"""One Flight stream to a running engine process.

Flight is imported when the first connection is made: a process that is going to fork must not
have started gRPC.
"""

import json
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any

import psutil
import pyarrow as pa

from sparkllm.client.errors import EngineRefusedError
from sparkllm_engine.server.endpoint import Endpoint
from sparkllm_engine.server.process import ProcessStamp
from sparkllm_engine.server.protocol import REQUEST_SCHEMA, Action, decode_refusal

_LOG = logging.getLogger("sparkllm")
_OWN_CHANNEL = [("grpc.use_local_subchannel_pool", 1)]
_ACTION_TIMEOUT = 30.0
_HEALTH_TIMEOUT = 30.0
_KILL_TIMEOUT = 10.0
_ATTEMPTS = 2


class ConnectionLostError(Exception):
    """The stream broke or could not be opened; another one may do."""


class Connection:
    """An open exchange with one engine process.

    Sending, receiving and the rest may each be called from another thread.
    """

    def __init__(self, endpoint: Endpoint, owner: ProcessStamp, command: bytes) -> None:
        from pyarrow import flight

        self.endpoint = endpoint
        self._writing = threading.Lock()
        with _translated():
            self._client = _client(endpoint)
            answer = _call(self._client, Action.REGISTER_OWNER, asdict(owner), _ACTION_TIMEOUT)
            if answer.get("warning"):
                _LOG.warning("%s", answer["warning"])
            descriptor = flight.FlightDescriptor.for_command(command)
            self._writer, self._reader = self._client.do_exchange(descriptor)
            self._writer.begin(REQUEST_SCHEMA)

    def send(self, requests: pa.RecordBatch) -> None:
        """Send a batch of requests.

        Raises:
            ConnectionLostError: the stream broke.
        """
        with _translated(), self._writing:
            self._writer.write_batch(requests)

    def receive(self) -> pa.RecordBatch | None:
        """Wait for results; None means that the engine has ended the stream in good order.

        Raises:
            ConnectionLostError: the stream broke.
            EngineRefusedError: the engine does not take this call.
        """
        with _translated():
            try:
                return self._reader.read_chunk().data
            except StopIteration:
                return None

    def finish(self) -> None:
        """Say that no more requests come."""
        with suppress(ConnectionLostError, EngineRefusedError), _translated(), self._writing:
            self._writer.done_writing()

    def cancel(self) -> None:
        """Break the stream: who waits in `receive` or `send` is released."""
        self._reader.cancel()

    def close(self) -> None:
        """Give the stream's resources back, after `receive` has ended."""
        with suppress(ConnectionLostError, EngineRefusedError), _translated(), self._writing:
            self._writer.close()
        self._client.close()

    def end_if_dead(self) -> None:
        """Break the stream when the process is gone or does not answer; kill it in that case."""
        if self.endpoint.process.is_alive():
            if answers_health(self.endpoint):
                return
            kill(self.endpoint.process)
        self.cancel()


def answers_health(endpoint: Endpoint) -> bool:
    """Whether the process answers; one that computes does, one that hangs does not."""
    for _ in range(_ATTEMPTS):
        with suppress(ConnectionLostError):
            call_action(endpoint, Action.HEALTH, timeout=_HEALTH_TIMEOUT)
            return True
        if not endpoint.process.is_alive():
            break
    return False


def call_action(
    endpoint: Endpoint,
    action: Action,
    body: Mapping[str, object] | None = None,
    timeout: float = _ACTION_TIMEOUT,
) -> dict[str, Any]:
    """Return the answer of the process to an action, at most `timeout` seconds later.

    Raises:
        ConnectionLostError: there was none.
    """
    with _translated():
        client = _client(endpoint)
        try:
            return _call(client, action, body or {}, timeout)
        finally:
            client.close()


def kill(process: ProcessStamp) -> None:
    """End the process at once, and wait until it is gone, reaped or not."""
    with suppress(psutil.NoSuchProcess):
        if process.is_alive():
            psutil.Process(process.pid).kill()
    deadline = time.monotonic() + _KILL_TIMEOUT
    while process.is_alive() and time.monotonic() < deadline:
        time.sleep(0.01)


def _client(endpoint: Endpoint) -> Any:
    from pyarrow import flight

    return flight.FlightClient(endpoint.location, generic_options=_OWN_CHANNEL)


def _call(
    client: Any, action: Action, body: Mapping[str, object], timeout: float
) -> dict[str, Any]:
    from pyarrow import flight

    call = flight.Action(str(action), json.dumps(body).encode())
    answers = list(client.do_action(call, flight.FlightCallOptions(timeout=timeout)))
    answer: dict[str, Any] = json.loads(answers[0].body.to_pybytes())
    return answer


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        refusal = decode_refusal(getattr(error, "extra_info", None))
        if refusal is not None:
            raise EngineRefusedError(refusal) from None
        raise ConnectionLostError(str(error).split(". gRPC client debug context", 1)[0]) from error
