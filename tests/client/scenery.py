"""Settings, prompts and identities for tests of the client with real engine processes."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa

from sparkllm.client import EngineSettings, Identity
from sparkllm.client.connection import call_action
from sparkllm_engine.server.endpoint import Endpoint
from sparkllm_engine.server.process import ProcessStamp
from sparkllm_engine.server.protocol import Action

MODULE = "tests.server.scripted_engine"


def settings(directory: Path, **changes: object) -> EngineSettings:
    """Return settings of a scripted engine whose files are below `directory`."""
    values: dict[str, object] = {
        "implementation": f"{MODULE}:ScriptedEngine",
        "model": "ready",
        "device": "cpu",
        "quantization": "none",
        "threads": 1,
        "token_budget": 64,
        "cache_bytes": 0,
        "max_model_length": 0,
        "store_memory_bytes": 1 << 20,
        "store_path": "",
        "store_max_bytes": 0,
        "store_max_age": 0.0,
        "idle_timeout": 60.0,
        "request_timeout": 600.0,
        "start_timeout": 60.0,
        "directory": str(directory),
        "max_restarts": 2,
    }
    return EngineSettings(**(values | changes))  # type: ignore[arg-type]


def as_json(engine: EngineSettings) -> str:
    """Return settings as an argument for another process."""
    return json.dumps(asdict(engine))


def prompts(texts: Sequence[str], instruction: str = "Say it\n\n") -> pa.Array:
    """Return prompts of two pieces: the instruction and a line with the text."""
    pieces = [piece for text in texts for piece in (instruction, f"{text}\n")]
    offsets = pa.array(range(0, len(pieces) + 1, 2), pa.int32())
    return pa.ListArray.from_arrays(offsets, pa.array(pieces, pa.utf8()).dictionary_encode())


@contextmanager
def stand_in() -> Iterator[subprocess.Popen[bytes]]:
    """Run a process that does nothing, in place of a JVM or a daemon."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def identity(executor: int | None = None, owner: int | None = None) -> Identity:
    """Return an identity with these pids; the test's own process in place of None."""
    return Identity(ProcessStamp.of(executor or os.getpid()), ProcessStamp.of(owner or os.getpid()))


def engines(directory: Path) -> list[psutil.Process]:
    """Return the engine processes whose files are below `directory`."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
            command = process.cmdline()
            if "sparkllm_engine.server" in command and str(directory) in command[-1]:
                found.append(process)
    return found


def threads_of_exchanges() -> list[threading.Thread]:
    """Return the threads of this process's exchanges."""
    names = ("sparkllm-receiver", "sparkllm-sender")
    return [thread for thread in threading.enumerate() if thread.name in names]


def endpoint(directory: Path) -> Endpoint:
    """Return the endpoint of the only engine below `directory`."""
    (path,) = directory.glob("*/*.json")
    found = Endpoint.read(path)
    assert found is not None
    return found


def call(directory: Path, action: Action) -> dict[str, Any]:
    """Return the answer of the only engine below `directory` to an action."""
    return call_action(endpoint(directory), action)


def eventually(condition: Callable[[], object], seconds: float = 30.0) -> bool:
    """Whether the condition comes true within a time that is generous."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
