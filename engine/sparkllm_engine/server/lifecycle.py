"""When the engine process ends: with its executor, with its last owner, or when nobody needs it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sparkllm_engine.server.process import ProcessStamp

_POLL_SECONDS = 0.5


class Lifecycle:
    """Knows for whom the process runs. Any thread may call it.

    Args:
        executor: the process ends when this one is gone,
        owner: or this one and all that registered later.
        idle_timeout: seconds without an exchange after which the process ends, 0 for no limit.
    """

    def __init__(self, executor: ProcessStamp, owner: ProcessStamp, idle_timeout: float) -> None:
        self._executor = executor
        self._owners = {owner}
        self._idle_timeout = idle_timeout
        self._lock = threading.Lock()
        self._exchanges = 0
        self._idle_since: float | None = None

    @property
    def exchanges(self) -> int:
        """The number of open exchanges."""
        return self._exchanges

    def register_owner(self, owner: ProcessStamp) -> None:
        """Keep the process while this owner lives, too."""
        with self._lock:
            self._owners.add(owner)

    def start_idling(self) -> None:
        """Let the idle time run: the engine is ready."""
        self._idle_since = time.monotonic()

    @contextmanager
    def exchange(self) -> Iterator[None]:
        """Hold the process while an exchange is open."""
        with self._lock:
            self._exchanges += 1
        try:
            yield
        finally:
            with self._lock:
                self._exchanges -= 1
                self._idle_since = time.monotonic()

    def wait_for_end(self) -> str:
        """Wait until the process has to end, and return why."""
        while True:
            reason = self._reason_to_end()
            if reason is not None:
                return reason
            time.sleep(_POLL_SECONDS)

    def _reason_to_end(self) -> str | None:
        if not self._executor.is_alive():
            return f"its executor (process {self._executor.pid}) is gone"
        with self._lock:
            self._owners = {owner for owner in self._owners if owner.is_alive()}
            if not self._owners:
                return "the last of its owners is gone"
            if self._idle_timeout <= 0 or self._exchanges or self._idle_since is None:
                return None
            if time.monotonic() - self._idle_since < self._idle_timeout:
                return None
        return f"nobody has used it for {self._idle_timeout:g} s"
