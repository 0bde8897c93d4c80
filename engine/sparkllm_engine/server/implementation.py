"""Making the engine that the options name."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

from sparkllm_engine.config import EngineConfig
from sparkllm_engine.errors import EngineConfigError
from sparkllm_engine.server.loop import Engine

DEFAULT_IMPLEMENTATION: Final = "sparkllm_engine:LLMEngine"
LLM_ENGINES: Final = ("", DEFAULT_IMPLEMENTATION, "sparkllm_engine.engine:LLMEngine")
"""What names the engine that runs a model itself."""


def make_engine(implementation: str, config: Mapping[str, Any]) -> Engine:
    """Return the engine `module:Class` (empty: `LLMEngine`) with the fields of its configuration.

    The class of that is the engine's attribute `configuration`, without one `EngineConfig`.

    Raises:
        EngineConfigError: there is no such class, or it can't start with this configuration.
    """
    module, _, name = (implementation or DEFAULT_IMPLEMENTATION).partition(":")
    try:
        engine_class = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise EngineConfigError(
            f"the engine implementation {implementation!r} can't be loaded: {error}: "
            "give an importable module:Class"
        ) from error
    try:
        settings = getattr(engine_class, "configuration", EngineConfig)(**config)
    except TypeError as error:
        raise EngineConfigError(f"the engine's configuration is not valid: {error}") from error
    engine: Engine = engine_class(settings)
    return engine
