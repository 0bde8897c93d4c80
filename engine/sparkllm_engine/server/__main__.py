"""The engine process: `python -m sparkllm_engine.server OPTIONS`, options as JSON, see `options`.

Without an argument the options are read from standard input. Everything is logged to standard
error.
"""

import faulthandler
import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sparkllm_engine.errors import EngineError
from sparkllm_engine.server.answers import Answers
from sparkllm_engine.server.deferred import provide_engine
from sparkllm_engine.server.endpoint import location_of
from sparkllm_engine.server.implementation import make_engine
from sparkllm_engine.server.lifecycle import Lifecycle
from sparkllm_engine.server.loop import Engine, EngineLoop
from sparkllm_engine.server.options import ServerOptions
from sparkllm_engine.server.readiness import Report, Reporter
from sparkllm_engine.store import ResultStore

if TYPE_CHECKING:
    from sparkllm_engine.server.service import EngineService

_COLLECT_AFTER = 100_000
_STORE_PATIENCE = 10.0
_log = logging.getLogger("sparkllm_engine.server")


def main() -> None:
    """Run the engine process until it has to end; it does not return."""
    faulthandler.enable()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(process)d %(message)s"
    )
    os.umask(0o077)
    options = ServerOptions.from_json(sys.argv[1] if len(sys.argv) > 1 else sys.stdin.read())
    store = ResultStore(options.store)
    end = partial(_end, options, store)
    reporter = Reporter(options.ready_fd)
    lifecycle = Lifecycle(options.executor, options.owner, options.idle_timeout)
    for watch in (_watch_starter, reporter), (_watch_lifecycle, lifecycle):
        threading.Thread(target=watch[0], args=(watch[1], end), daemon=True).start()
    signal.signal(signal.SIGTERM, lambda *_: end("it was terminated"))
    try:
        loop, _service = _start(options, store, lifecycle, end)
        threading.Thread(target=_watch_steps, args=(loop, end), daemon=True).start()
    except Exception as error:
        _log.exception("the engine did not start")
        reporter.send(Report(_sentence(error)))
        end("it did not start", 1)
        return
    _log.info("ready: %s", options.socket)
    try:
        reporter.send(Report())
        loop.run()
    except BaseException:
        _log.exception("the engine can't go on")
        end("it failed", 1)


def _start(
    options: ServerOptions,
    store: ResultStore,
    lifecycle: Lifecycle,
    end: Callable[[str], None],
) -> tuple[EngineLoop, "EngineService"]:
    from sparkllm_engine.server.service import EngineService

    _log.info("starting: %s", options.to_json())
    engine, identity = provide_engine(
        partial(_make_engine, options),
        options.implementation,
        options.config,
        defer=bool(options.store.path),
    )
    loop = EngineLoop(
        engine,
        Answers(store),
        Path(options.journal),
        options.request_timeout,
        options.start_timeout,
    )
    service = EngineService(location_of(options.socket), loop, lifecycle, end, identity=identity)
    lifecycle.start_idling()
    return loop, service


def _make_engine(options: ServerOptions) -> Engine:
    engine = make_engine(options.implementation, options.config)
    _collect_garbage_seldom()
    return engine


def _watch_starter(reporter: Reporter, end: Callable[[str], None]) -> None:
    if reporter.wait_until_abandoned():
        end("whoever started it is gone")


def _watch_lifecycle(lifecycle: Lifecycle, end: Callable[[str], None]) -> None:
    end(lifecycle.wait_for_end())


def _watch_steps(loop: EngineLoop, end: Callable[[str, int], None]) -> None:
    loop.wait_until_stuck()
    faulthandler.dump_traceback()
    end("a step of the engine hangs, or its start does", 1)


def _collect_garbage_seldom() -> None:
    """Requests are no cycles: looking for some each 700 of them costs 2 µs a row (measured)."""
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)


def _sentence(error: Exception) -> str:
    if isinstance(error, EngineError):
        return str(error)
    return f"the engine can't be started: {type(error).__name__}: {error}"


def _end(options: ServerOptions, store: ResultStore, reason: str, code: int = 0) -> None:
    """End the process at once: exchanges that are open are broken off.

    With a code other than 0 the journal stays, for the next process to read.
    """
    _log.info("ending: %s", reason)
    for path in (options.socket, *(() if code else (options.journal,))):
        Path(path).unlink(missing_ok=True)
    store.close(_STORE_PATIENCE)
    logging.shutdown()
    os._exit(code)


if __name__ == "__main__":
    main()
