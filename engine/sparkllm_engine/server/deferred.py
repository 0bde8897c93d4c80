"""An engine that has started here before starts again only when a row needs it.

Loading libraries and model takes seconds, and answers from a store at a path need neither, only the
engine's identity. So that is noted when an engine has started, under all that its start depends
on: its configuration, the files of its model, versions, the machine. While these are the same, the
note stands for the engine until a row has no answer in the store:

    no note ─► start ─► note it                      a start that fails is told as it always is
    note ───► answers of the store ─► a row without one ─► drop the note, start, note it again

A deferred start that fails, or is killed, leaves no note: the process ends, and the next one, which
starts its engine at once, has the failure to tell.
"""

import json
import logging
import os
import platform
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sparkllm_engine.errors import EngineError
from sparkllm_engine.request import Request, Result
from sparkllm_engine.server.identity import identity_of
from sparkllm_engine.server.implementation import LLM_ENGINES
from sparkllm_engine.server.loop import Engine
from sparkllm_engine.store.fingerprint import model_files
from sparkllm_engine.store.notes import Notes

_PACKAGES = ("sparkllm", "torch", "transformers")
_VARIABLES = ("CUDA_VISIBLE_DEVICES", "HF_HOME", "HF_HUB_CACHE")
_PROCESSOR = ("model name", "flags", "Features")
_STARTS = Notes("start")
_log = logging.getLogger(__name__)


class DeferredEngine:
    """Has the methods of the engine that `make` returns, which `start` calls.

    Args:
        make: makes the engine.
        implementation: `module:Class` of it.
        config: fields of its configuration.
        noted_by: what the identity is noted under.
        identity: what was noted.
    """

    def __init__(
        self,
        make: Callable[[], Engine],
        implementation: str,
        config: Mapping[str, Any],
        noted_by: str,
        identity: str,
    ) -> None:
        self._make = make
        self._implementation = implementation
        self._config = config
        self._noted_by = noted_by
        self.identity_text = identity
        self._engine: Engine | None = None

    def start(self) -> None:
        """Make the engine if that has not been done.

        Raises:
            EngineError: it gives other answers than those it was taken to give.
            Exception: it can't be made.
        """
        if self._engine is not None:
            return
        _log.info("starting the model: a row is not in the store")
        _STARTS.remove(self._noted_by)
        engine = self._make()
        found = identity_of(engine, self._implementation, self._config)
        if found != self.identity_text:
            raise EngineError(f"the engine is {found}, and was {self.identity_text} before")
        _STARTS.write(self._noted_by, found)
        self._engine = engine

    @property
    def has_unfinished(self) -> bool:
        """Whether a step would do anything."""
        return self._engine is not None and self._engine.has_unfinished

    def add(self, request: Request) -> None:
        """Take a request."""
        self._started.add(request)

    def step(self) -> list[Result]:
        """Compute for a while, and return what has finished."""
        return self._started.step()

    def cancel(self, ids: Iterable[int]) -> None:
        """Forget requests."""
        if self._engine is not None:
            self._engine.cancel(ids)

    def statistics(self) -> dict[str, float | int]:
        """Return the engine's counters, none before it started."""
        return self._engine.statistics() if self._engine is not None else {}

    @property
    def _started(self) -> Engine:
        self.start()
        assert self._engine is not None
        return self._engine


def provide_engine(
    make: Callable[[], Engine], implementation: str, config: Mapping[str, Any], *, defer: bool
) -> tuple[Engine, str]:
    """Return the engine, started or deferred, and its identity.

    Args:
        make: makes it.
        implementation: `module:Class` of it; others than `LLMEngine` start at once.
        config: fields of its configuration.
        defer: whether its start may wait.

    Raises:
        Exception: it can't be made.
    """
    noted_by = _start_of(implementation, config) if defer else None
    noted = _STARTS.read(noted_by) if noted_by else None
    if noted_by and noted:
        _log.info("the model has started here before: it starts again when a row needs it")
        return DeferredEngine(make, implementation, config, noted_by, noted), noted
    engine = make()
    identity = identity_of(engine, implementation, config)
    if noted_by:
        _STARTS.write(noted_by, identity)
    return engine, identity


def _start_of(implementation: str, config: Mapping[str, Any]) -> str | None:
    """Return all that a start depends on, None when that is not known."""
    if implementation not in LLM_ENGINES:
        return None
    try:
        files = model_files(str(config.get("model", "")))
    except OSError:
        return None
    if not files:
        return None
    about = [dict(config), files, [_version(name) for name in _PACKAGES], _machine()]
    return json.dumps(about, sort_keys=True)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _machine() -> list[str]:
    """Return what decides where, and in which numbers, a model is computed by default."""
    described = [platform.machine(), *(os.environ.get(name, "") for name in _VARIABLES)]
    described += sorted(path.name for path in Path("/dev").glob("nvidia[0-9]*"))
    described.append(_text(Path("/proc/driver/nvidia/version")))
    first_processor = _text(Path("/proc/cpuinfo")).partition("\n\n")[0].splitlines()
    return described + [line for line in first_processor if line.startswith(_PROCESSOR)]


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
