"""The Flight service: an exchange for each call of a task, and a few actions."""

import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
from pyarrow import flight

from sparkllm_engine.request import SamplingParameters
from sparkllm_engine.server.lifecycle import Lifecycle
from sparkllm_engine.server.loop import EngineLoop
from sparkllm_engine.server.metering import Account, BudgetTerms
from sparkllm_engine.server.outbox import Outbox
from sparkllm_engine.server.process import ProcessStamp
from sparkllm_engine.server.prompts import RequestDecoder
from sparkllm_engine.server.protocol import (
    RESULT_SCHEMA,
    Action,
    ProtocolError,
    decode_budget,
    decode_command,
    encode_refusal,
)

_POLL_SECONDS = 0.5
_STATISTICS_TIMEOUT = 20.0
_log = logging.getLogger(__name__)


class EngineService(flight.FlightServerBase):  # type: ignore[misc]
    """Serves one engine at a Flight location; it listens as soon as it is made.

    Args:
        location: a Flight location.
        loop: whose `run` drives the engine in another thread.
        lifecycle: learns of owners and exchanges.
        end: ends the process for the reason given.
        identity: what determines the engine's answers besides the requests.
    """

    def __init__(
        self,
        location: str,
        loop: EngineLoop,
        lifecycle: Lifecycle,
        end: Callable[[str], None],
        *,
        identity: str = "",
    ) -> None:
        self._loop = loop
        self._identity = identity
        self._lifecycle = lifecycle
        self._end = end
        super().__init__(location)

    def do_exchange(self, context: Any, descriptor: Any, reader: Any, writer: Any) -> None:
        """Read requests and write results as they finish, until the client is done or gone."""
        try:
            parameters = decode_command(descriptor.command)
            with self._lifecycle.exchange(), self._account(descriptor.command) as account:
                talk = _Exchange(
                    self._loop,
                    parameters,
                    identity=self._identity,
                    account=account,
                    context=context,
                    writer=writer,
                )
                talk.run(reader)
        except ProtocolError as error:
            _log.warning("refused: %s", error)
            raise flight.FlightServerError("refused", extra_info=encode_refusal(error)) from None

    @contextmanager
    def _account(self, command: bytes) -> Iterator[Account | None]:
        budget = decode_budget(command)
        if budget is None:
            yield None
            return
        account = self._loop.meter.account(BudgetTerms.from_dict(budget))
        try:
            yield account
        finally:
            self._loop.meter.leave(account)

    def do_action(self, context: Any, action: Any) -> Iterator[bytes]:
        """Do an action of `protocol.Action`."""
        body = json.loads(action.body.to_pybytes() or b"{}")
        answer: dict[str, Any] = {}
        match action.type:
            case Action.HEALTH:
                answer = {
                    "pid": os.getpid(),
                    "exchanges": self._lifecycle.exchanges,
                    "seconds_since_step": self._loop.seconds_since_step(),
                }
            case Action.STATISTICS:
                answer = dict(self._loop.statistics(_STATISTICS_TIMEOUT))
            case Action.REGISTER_OWNER:
                self._lifecycle.register_owner(ProcessStamp(**body))
                answer = {"warning": self._loop.warning}
            case Action.SHUTDOWN:
                threading.Timer(0.1, self._end, ("it was told to",)).start()
            case other:
                raise flight.FlightServerError(f"unknown action '{other}'")
        yield json.dumps(answer).encode()

    def list_actions(self, context: Any) -> list[tuple[str, str]]:
        """Return the actions there are."""
        return [(action.value, "") for action in Action]


class _Exchange:
    """One client's stream: this thread reads, another one writes."""

    def __init__(
        self,
        loop: EngineLoop,
        parameters: SamplingParameters,
        *,
        identity: str,
        account: Account | None,
        context: Any,
        writer: Any,
    ) -> None:
        self._loop = loop
        self._identity = identity
        self._account = account
        self._parameters = parameters
        self._context = context
        self._writer = writer
        self._outbox = Outbox()

    def run(self, reader: Any) -> None:
        self._writer.begin(RESULT_SCHEMA)
        sender = threading.Thread(target=self._send, name="results", daemon=True)
        sender.start()
        try:
            self._receive(reader)
            self._outbox.finish()
            sender.join()
        finally:
            self._loop.cancel(self._outbox)
            self._outbox.close()
            sender.join()

    def _receive(self, reader: Any) -> None:
        decoder = RequestDecoder(self._parameters, self._identity)
        try:
            while True:
                batch = reader.read_chunk().data
                requests = decoder.decode(batch)
                self._loop.submit(requests, self._parameters, self._outbox, self._account)
        except StopIteration:
            return
        except (pa.ArrowException, OSError) as error:
            _log.info("a client is gone: %s", error)

    def _send(self) -> None:
        try:
            while not self._context.is_cancelled():
                parcel = self._outbox.take(_POLL_SECONDS)
                if parcel is None:
                    return
                if parcel.ids:
                    self._writer.write_batch(parcel.to_batch(self._parameters.probabilities))
        except (pa.ArrowException, OSError) as error:
            _log.info("a client is gone: %s", error)
