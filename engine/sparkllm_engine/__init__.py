"""A batch inference engine for decoder models: usable without Spark, torch loads on first use."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sparkllm_engine.config import EngineConfig
    from sparkllm_engine.engine import LLMEngine
    from sparkllm_engine.errors import EngineConfigError, EngineError
    from sparkllm_engine.request import Request, Result, SamplingParameters, TokenLogprob

_HOMES = {
    "EngineConfig": "config",
    "EngineConfigError": "errors",
    "EngineError": "errors",
    "LLMEngine": "engine",
    "Request": "request",
    "Result": "request",
    "SamplingParameters": "request",
    "TokenLogprob": "request",
}

__all__ = [
    "EngineConfig",
    "EngineConfigError",
    "EngineError",
    "LLMEngine",
    "Request",
    "Result",
    "SamplingParameters",
    "TokenLogprob",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)
