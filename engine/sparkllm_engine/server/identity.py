"""What determines an engine's answers besides the request."""

import json
from collections.abc import Mapping
from typing import Any, Final, Protocol, runtime_checkable

# Raise it when answers to the same requests become others: stored ones are not used any more then.
ANSWERS_VERSION: Final = 1

_NO_MATTER = ("threads", "token_budget", "cache_bytes", "max_running", "order")


@runtime_checkable
class Identified(Protocol):
    """An engine that knows what determines its answers."""

    @property
    def identity(self) -> Mapping[str, object]:
        """The model and whatever else makes answers others, as values of JSON."""


def identity_of(engine: object, implementation: str, config: Mapping[str, Any]) -> str:
    """Return a text that is the same for engines that give the same answers.

    Args:
        engine: asked if it is `Identified`; otherwise its whole configuration counts, but for what
            only makes it faster or slower.
        implementation: `module:Class` of the engine.
        config: fields of `EngineConfig`.
    """
    if isinstance(engine, Identified):
        known: Mapping[str, object] = engine.identity
    else:
        known = {name: value for name, value in config.items() if name not in _NO_MATTER}
    body = {"version": ANSWERS_VERSION, "implementation": implementation, **known}
    return json.dumps(body, sort_keys=True)
