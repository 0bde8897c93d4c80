"""Answers on disk: read where the rows are claimed, written by a thread of its own.

lookup ─► reader (index, files) ◄─ notices what others append
keep   ─► queue ─► writer thread ─► journal ─► segment ─► (mirror ─► another filesystem)
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

from sparkllm_engine.request import Result
from sparkllm_engine.store.journal import Journal
from sparkllm_engine.store.location import Location, StoreLocationError, mirror_directory
from sparkllm_engine.store.maintenance import compact, prune
from sparkllm_engine.store.mirror import Mirror
from sparkllm_engine.store.names import adopt
from sparkllm_engine.store.options import StoreOptions
from sparkllm_engine.store.reader import StoreReader, oldest_created
from sparkllm_engine.store.record import decode_result, encode_result

_REFRESH_SECONDS = 0.25
_SYNC_SECONDS = 1.0
_SEGMENT_BYTES = 64 << 20
_MIRROR_SECONDS = 10.0
_PAUSE_SECONDS = 30.0  # after the store could not be written
_MOST_PENDING = 200_000
_log = logging.getLogger(__name__)

Entry = tuple[bytes, Result]


class PersistentStore:
    """The answers at a path. Any thread may call it; what goes wrong is in `problem` and the log.

    Args:
        options: with a path.
    """

    def __init__(self, options: StoreOptions) -> None:
        self._options = options
        self._lock = threading.Lock()
        self._reader: StoreReader | None = None
        self._refreshed = 0.0
        self._queue: SimpleQueue[Entry] = SimpleQueue()
        self._pending: dict[bytes, Result] = {}
        self._paused_until = 0.0
        self._lost = 0
        self._closing, self._closed = threading.Event(), threading.Event()
        self.problem: str | None = None
        try:
            location = Location(options.path)
            location.make()
            directory = location.directory or mirror_directory(options.path)
            self._mirror = None if location.directory else Mirror(location, directory)
            reader = StoreReader(directory, oldest_created(options.max_age))
            reader.refresh()
        except (OSError, StoreLocationError) as error:
            self._failed(f"the store {options.path} can't be used, answers are kept nowhere", error)
            return
        self._location = location
        self._directory = directory
        self._journal = Journal(directory)
        self._reader = reader
        if self._mirror is not None:
            self._attempt(self._mirror.pull)
            self._attempt(reader.refresh)
        threading.Thread(target=self._write, name="store", daemon=True).start()

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Result]:
        """Return the answers to those of the keys that have one."""
        found: dict[bytes, Result] = {}
        with self._lock:
            if self._reader is None or not keys:
                return found
            self._look(keys, found)
            missing = [key for key in keys if key not in found]
            if missing and time.monotonic() - self._refreshed > _REFRESH_SECONDS:
                self._attempt(self._reader.refresh)
                self._refreshed = time.monotonic()
                self._look(missing, found)
        return found

    def put(self, entries: Sequence[Entry]) -> None:
        """Have answers written soon; return at once."""
        if self._reader is None:
            return
        if len(self._pending) > _MOST_PENDING:
            self._lost += len(entries)
            return
        for entry in entries:
            self._pending[entry[0]] = entry[1]
            self._queue.put(entry)

    def flush(self, timeout: float) -> bool:
        """Wait until everything put so far is written; return whether it is."""
        end = time.monotonic() + timeout
        while self._pending and time.monotonic() < end:
            time.sleep(0.005)
        return not self._pending

    def close(self, timeout: float) -> None:
        """Write what was put, and hand it to the other filesystem, at most for `timeout` seconds.

        Nothing is lost without it; but where this machine goes with its processes, nobody would
        upload what is left here.
        """
        end = time.monotonic() + timeout
        self.flush(timeout)
        if self._mirror is not None and self._reader is not None:
            self._closing.set()
            self._closed.wait(max(0.0, end - time.monotonic()))

    def statistics(self) -> dict[str, int]:
        """Return what the files hold and how many answers could not be written."""
        with self._lock:
            reader = self._reader
            return {
                "stored": len(reader) if reader else 0,
                "stored_bytes": reader.size if reader else 0,
                "store_writes_lost": self._lost,
            }

    def _look(self, keys: Sequence[bytes], found: dict[bytes, Result]) -> None:
        assert self._reader is not None
        for key in keys:
            pending = self._pending.get(key)
            if pending is not None:
                found[key] = pending
        asked = [key for key in keys if key not in found]
        for key, value in self._reader.find(asked).items() if asked else ():
            result = decode_result(value)
            if result is not None:
                found[key] = result

    def _write(self) -> None:
        self._attempt(self._tidy)
        synced = mirrored = time.monotonic()
        while True:
            entries = self._take(_SYNC_SECONDS)
            if entries:
                self._append(entries)
            now = time.monotonic()
            if now - synced >= _SYNC_SECONDS:
                self._attempt(self._journal.sync)
                synced = now
            closing = self._closing.is_set() and not self._closed.is_set()
            if self._mirror is not None and (closing or now - mirrored >= _MIRROR_SECONDS):
                self._attempt(self._exchange)
                mirrored = time.monotonic()
                if closing:
                    self._closed.set()
            elif self._journal.size >= _SEGMENT_BYTES:
                self._attempt(self._seal)

    def _take(self, seconds: float) -> list[Entry]:
        try:
            entries = [self._queue.get(timeout=seconds)]
        except Empty:
            return []
        while not self._queue.empty():
            entries.append(self._queue.get())
        return entries

    def _append(self, entries: Sequence[Entry]) -> None:
        """Write answers, and find them from now on in the file."""
        records = []
        for key, result in entries:
            value = encode_result(result)
            if value is not None:
                records.append((key, value))
        is_written = not records or self._attempt(lambda: self._journal.append(records))
        if is_written and records:
            self.problem = None
            with self._lock:
                assert self._reader is not None
                reader, name = self._reader, self._journal.name
                self._attempt(lambda: reader.extend(name))
        if not is_written:
            self._lost += len(records)
        for key, _ in entries:
            self._pending.pop(key, None)

    def _seal(self) -> None:
        self._journal.seal()
        self._tidy()

    def _tidy(self) -> None:
        adopt(self._directory)
        compact(self._location, oldest_created(self._options.max_age))
        if self._options.max_bytes > 0:
            size = sum(file.size for file in self._location.files())
            if size > self._options.max_bytes:
                prune(self._location, self._options.max_bytes, self._options.max_age)

    def _exchange(self) -> None:
        assert self._mirror is not None
        self._journal.seal()
        self._mirror.push()
        self._mirror.pull()

    def _attempt(self, work: Callable[[], object]) -> bool:
        """Do what may fail: then it is said, and not tried again for a while."""
        if time.monotonic() < self._paused_until:
            return False
        try:
            work()
        except OSError as error:
            self._paused_until = time.monotonic() + _PAUSE_SECONDS
            self._failed(f"the store {self._options.path} can't be read or written now", error)
            return False
        return True

    def _failed(self, what: str, error: Exception) -> None:
        problem = f"{what}: {error}"
        if problem != self.problem:
            _log.warning("%s", problem)
        self.problem = problem
