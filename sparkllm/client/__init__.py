"""Finding, starting and talking to the engine process of this executor."""

from sparkllm.client.errors import (
    EngineCrashError,
    EngineError,
    EngineRefusedError,
    EngineStartError,
)
from sparkllm.client.exchange import Exchange, open_exchange
from sparkllm.client.identity import Identity, find_identity
from sparkllm.client.pending import Pending
from sparkllm.client.settings import EngineSettings, RemoteSettings

__all__ = [
    "EngineCrashError",
    "EngineError",
    "EngineRefusedError",
    "EngineSettings",
    "EngineStartError",
    "Exchange",
    "Identity",
    "Pending",
    "RemoteSettings",
    "find_identity",
    "open_exchange",
]
