"""What an engine process is told when it starts."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from sparkllm_engine.server.process import ProcessStamp
from sparkllm_engine.store.options import StoreOptions


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Options of the engine process.

    Attributes:
        socket: path of the Unix domain socket to listen on.
        ready_fd: inherited file descriptor for the one line about the start, see `readiness`.
        executor: the process ends when this one is gone,
        owner: or this one and all that registered later.
        idle_timeout: seconds without an exchange after which the process ends.
        store: where answers are kept.
        journal: path of the file that tells the next process what this one died of.
        request_timeout: seconds that a request may be in the engine.
        start_timeout: seconds that a start may take which had to wait for a row that needs it.
        implementation: `module:Class` of the engine.
        config: fields of `EngineConfig`.
    """

    socket: str
    ready_fd: int
    executor: ProcessStamp
    owner: ProcessStamp
    idle_timeout: float
    store: StoreOptions
    journal: str
    request_timeout: float
    start_timeout: float
    implementation: str = ""
    config: Mapping[str, object] = field(default_factory=dict)

    def to_json(self) -> str:
        """Return the options as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "ServerOptions":
        """Read what `to_json` wrote."""
        body = json.loads(text)
        body["executor"] = ProcessStamp(**body["executor"])
        body["owner"] = ProcessStamp(**body["owner"])
        body["store"] = StoreOptions(**body["store"])
        return cls(**body)
