"""The file that this process appends its answers to."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from sparkllm_engine.store.frames import MAGIC, encode_frame
from sparkllm_engine.store.names import JOURNAL, SEGMENT, new_name


class Journal:
    """A journal in a directory, made at the first append. Not thread-safe."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._path: Path | None = None
        self._descriptor = -1
        self._is_dirty = False
        self.size = 0
        self.begun = 0.0

    @property
    def name(self) -> str:
        """Name of the file, empty when there is none."""
        return self._path.name if self._path else ""

    def append(self, records: Sequence[tuple[bytes, bytes]]) -> None:
        """Write records as one frame: they survive the end of this process, whatever its cause.

        Raises:
            OSError: they are not written, and nothing of them is left in the way.
        """
        data = encode_frame(records, int(time.time()))
        if self._path is None:
            self._begin()
        try:
            self._write(data)
        except OSError:
            self._take_back()
            raise
        self.size += len(data)
        self._is_dirty = True

    def sync(self) -> None:
        """Make what was appended survive the end of the machine.

        Raises:
            OSError: it could not.
        """
        if self._is_dirty:
            self._is_dirty = False
            os.fsync(self._descriptor)

    def seal(self) -> Path | None:
        """Make a segment of the file; the next append begins another. Return the segment.

        Raises:
            OSError: it can't be renamed.
        """
        path = self._path
        if path is None:
            return None
        self.sync()
        self._end()
        try:
            return path.rename(path.with_suffix(SEGMENT))
        except FileNotFoundError:  # somebody took this process for dead: the segment is there
            return path.with_suffix(SEGMENT)

    def _begin(self) -> None:
        path = self._directory / f"{new_name()}{JOURNAL}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o666)
        self._path = path
        self.size = 0
        self.begun = time.monotonic()
        try:
            self._write(MAGIC)
        except OSError:
            self._end()
            path.unlink(missing_ok=True)
            raise
        self.size = len(MAGIC)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def _take_back(self) -> None:
        """Cut off a frame that was written in part; what came after it would never be read."""
        try:
            os.ftruncate(self._descriptor, self.size)
        except OSError:
            self._end()

    def _end(self) -> None:
        os.close(self._descriptor)
        self._path, self._descriptor = None, -1
