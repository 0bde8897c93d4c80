"""The store of answers: in memory, and behind it at a path if there is one."""

import threading
from collections.abc import Sequence

from sparkllm_engine.request import Result
from sparkllm_engine.store.memory import AnswerMemory
from sparkllm_engine.store.options import StoreOptions
from sparkllm_engine.store.persistent import Entry, PersistentStore


class ResultStore:
    """Answers by key. Any thread may call it; neither reading nor writing ever fails.

    A key is a digest of `frames.KEY_BYTES` bytes of everything that determines the answer.
    """

    def __init__(self, options: StoreOptions) -> None:
        self._lock = threading.Lock()
        self._memory = AnswerMemory(options.memory_bytes)
        self._persistent = PersistentStore(options) if options.path else None

    @property
    def problem(self) -> str | None:
        """Why the path could not be read or written lately, None if it could."""
        return self._persistent.problem if self._persistent else None

    def get(self, keys: Sequence[bytes]) -> list[Result | None]:
        """Return the answer to each key, None where there is none."""
        with self._lock:
            results = self._memory.get(keys)
        if self._persistent is None:
            return results
        missing = [key for key, result in zip(keys, results, strict=True) if result is None]
        found = self._persistent.get(missing)
        if not found:
            return results
        with self._lock:
            for key, result in found.items():
                self._memory.put(key, result)
        return [
            found.get(key) if result is None else result
            for key, result in zip(keys, results, strict=True)
        ]

    def put(self, entries: Sequence[Entry]) -> None:
        """Keep answers."""
        with self._lock:
            for key, result in entries:
                self._memory.put(key, result)
        if self._persistent is not None:
            self._persistent.put(entries)

    def flush(self, timeout: float) -> bool:
        """Wait until all answers are at the path; return whether they are."""
        return self._persistent is None or self._persistent.flush(timeout)

    def close(self, timeout: float) -> None:
        """Write what is left, at most for `timeout` seconds."""
        if self._persistent is not None:
            self._persistent.close(timeout)

    def statistics(self) -> dict[str, int]:
        """Return how many answers there are, and their bytes."""
        with self._lock:
            held = {"remembered": len(self._memory), "remembered_bytes": self._memory.used}
        return held | (self._persistent.statistics() if self._persistent else {})
