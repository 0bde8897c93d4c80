"""Starting an engine process, and waiting for its one line about how that went."""

import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Mapping

from sparkllm.client.errors import EngineStartError
from sparkllm.client.files import EngineFiles
from sparkllm.client.identity import Identity
from sparkllm.client.settings import EngineSettings
from sparkllm_engine.server.endpoint import Endpoint
from sparkllm_engine.server.options import ServerOptions
from sparkllm_engine.server.process import ProcessStamp
from sparkllm_engine.server.readiness import Report
from sparkllm_engine.store import StoreOptions

_SECRETS = "PYTHON_WORKER_FACTORY"
_REMOTE = "sparkllm_engine.remote.engine:RemoteEngine"
_TOKEN_VARIABLE = "SPARKLLM_API_TOKEN"
_DRIVER_VARIABLE = "SPARKLLM_RATE_DRIVER"
_THREAD_COUNTS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
_END_TIMEOUT = 10.0


def start_process(settings: EngineSettings, identity: Identity, files: EngineFiles) -> Endpoint:
    """Start an engine process, wait until it is ready, and return where it listens.

    Raises:
        EngineStartError: it did not get ready, in its own words; there is no process then.
    """
    report_fd, ready_fd = os.pipe()
    try:
        options = _options(settings, identity, files, ready_fd)
        try:
            process = _spawn(options, _environment(os.environ, settings), files)
        finally:
            os.close(ready_fd)
        error = _await_report(process, report_fd, settings.start_timeout, files)
    finally:
        os.close(report_fd)
    if error is not None:
        process.kill()
        _reap(process)
        raise EngineStartError(error, str(files.log))
    endpoint = Endpoint(ProcessStamp.of(process.pid), options.socket)
    _reap(process)
    return endpoint


def _reap(process: "subprocess.Popen[bytes]") -> None:
    threading.Thread(target=process.wait, name="sparkllm-reaper", daemon=True).start()


def _spawn(
    options: ServerOptions, environment: Mapping[str, str], files: EngineFiles
) -> "subprocess.Popen[bytes]":
    try:
        with files.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", "sparkllm_engine.server", options.to_json()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                pass_fds=(options.ready_fd,),
                start_new_session=True,
            )
    except OSError as error:
        raise EngineStartError(
            f"the engine process can't be started: {error}", str(files.log)
        ) from error


def _options(
    settings: EngineSettings, identity: Identity, files: EngineFiles, ready_fd: int
) -> ServerOptions:
    return ServerOptions(
        socket=str(files.new_socket()),
        ready_fd=ready_fd,
        executor=identity.executor,
        owner=identity.owner,
        idle_timeout=settings.idle_timeout,
        store=StoreOptions(
            settings.store_memory_bytes,
            settings.store_path,
            settings.store_max_bytes,
            settings.store_max_age,
        ),
        journal=str(files.journal),
        request_timeout=settings.request_timeout,
        start_timeout=settings.start_timeout,
        implementation=_REMOTE if settings.remote else settings.implementation,
        config=settings.remote.config if settings.remote else _local_config(settings),
    )


def _local_config(settings: EngineSettings) -> dict[str, object]:
    return {
        "model": settings.model,
        "threads": settings.threads,
        "device": settings.device,
        "quantization": settings.quantization,
        "token_budget": settings.token_budget,
        "cache_bytes": settings.cache_bytes,
        "max_model_length": settings.max_model_length,
    }


def _environment(inherited: Mapping[str, str], settings: EngineSettings) -> dict[str, str]:
    """Return the worker's environment, for a process that can import what the worker can.

    Spark sets the number of threads for one task's share; the engine works for all of them.
    Secrets go this way because a command line is for all to read.
    """
    threads = settings.threads
    dropped = _THREAD_COUNTS if threads == 0 else ()
    environment = {
        name: value
        for name, value in inherited.items()
        if name not in dropped and not name.startswith(_SECRETS)
    }
    environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    environment["PYTHONUNBUFFERED"] = "1"
    if settings.remote:
        environment[_DRIVER_VARIABLE] = settings.remote.driver
        if settings.remote.token:
            environment[_TOKEN_VARIABLE] = settings.remote.token
    if threads > 0:
        environment |= dict.fromkeys(_THREAD_COUNTS, str(threads))
    return environment


def _await_report(
    process: "subprocess.Popen[bytes]", fd: int, timeout: float, files: EngineFiles
) -> str | None:
    line = _read_line(fd, time.monotonic() + timeout)
    if line is None:
        return (
            f"the engine process was not ready within {timeout:g} s: "
            "raise spark.sparkllm.engine.startTimeout if the model takes that long to load"
        )
    if line.endswith(b"\n"):
        return Report.from_line(line).error
    try:
        end = f"with exit code {process.wait(_END_TIMEOUT)}"
    except subprocess.TimeoutExpired:
        end = "without a report"
    return f"the engine process ended while it was starting, {end}: {_last_line(files)}"


def _read_line(fd: int, deadline: float) -> bytes | None:
    """Return a line, or what came before the end of the stream; None when time is up."""
    line = b""
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            if not selector.select(max(0.0, deadline - time.monotonic())):
                return None
            part = os.read(fd, 65536)
            if not part:
                break
            line += part
    return line


def _last_line(files: EngineFiles) -> str:
    with files.log.open("rb") as log:
        log.seek(max(0, log.seek(0, os.SEEK_END) - 2000))
        lines = log.read().decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "it printed nothing"
