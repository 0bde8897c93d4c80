"""Reading the files of a store's directory: all whole frames of all of them, as they grow."""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sparkllm_engine.store.frames import MAGIC, Positions, prefix, read_record, scan
from sparkllm_engine.store.index import Index
from sparkllm_engine.store.names import JOURNAL, SEGMENT

_GAP = 4096  # records closer than this are read together
_LONGEST_READ = 1 << 20


@dataclass(slots=True)
class _File:
    """An open file: frames up to `read` are indexed; `size` is its size at that time."""

    number: int
    descriptor: int
    read: int = 0
    size: int = 0


class StoreReader:
    """Finds records by key in the files of a directory. Not thread-safe.

    Args:
        directory: may have files that are no segments, or damaged ones: they are passed over.
        oldest: seconds since the epoch; frames from before are passed over.
    """

    def __init__(self, directory: Path, oldest: float = 0.0) -> None:
        self._directory = directory
        self._oldest = oldest
        self._files: dict[str, _File] = {}
        self._names: dict[int, str] = {}
        self._index = Index()
        self._opened = 0

    def __len__(self) -> int:
        return len(self._index)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self._files.values())

    def refresh(self) -> None:
        """Take notice of files that came, grew or went.

        Raises:
            OSError: the directory can't be read. A file that can't be read is passed over.
        """
        present = {}
        with os.scandir(self._directory) as entries:
            for entry in entries:
                if entry.name.endswith((SEGMENT, JOURNAL)):
                    with suppress(FileNotFoundError):
                        present[entry.name] = entry.stat().st_size
        self._forget_missing(present)
        for name, size in present.items():
            file = self._files.get(name)
            if file is None or file.size != size:
                with suppress(OSError):
                    self.extend(name)

    def extend(self, name: str) -> None:
        """Take notice of what was appended to a file.

        Raises:
            OSError: it can't be read.
        """
        file = self._files.get(name) or self._open(name)
        file.size = os.fstat(file.descriptor).st_size
        if file.read == 0 and os.pread(file.descriptor, len(MAGIC), 0) != MAGIC:
            return  # somebody else's, of whatever size
        data = os.pread(file.descriptor, file.size - file.read, file.read)
        for frame in scan(data, file.read):
            file.read = frame.end
            if frame.created >= self._oldest:
                self._index.add(file.number, frame.prefixes, frame.positions)

    def find(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return the values of those keys that there are records of."""
        found: dict[bytes, bytes] = {}
        prefixes = np.array([prefix(key) for key in keys], np.uint64)
        for wanted, numbers, positions in self._index.find(prefixes):
            for number in np.unique(numbers).tolist():
                inside = numbers == number
                file = self._files.get(self._names.get(number, ""))
                if file is not None:
                    with suppress(OSError):
                        asked = [keys[place] for place in wanted[inside].tolist()]
                        self._read(file, asked, positions[inside], found)
        return found

    def _read(
        self, file: _File, keys: Sequence[bytes], positions: Positions, found: dict[bytes, bytes]
    ) -> None:
        order = np.argsort(positions, kind="stable")
        for run in _runs(positions[order]):
            first, last = int(positions[order[run.start]]), int(positions[order[run.stop - 1]])
            data = os.pread(file.descriptor, last - first + _GAP, first)
            for number in order[run].tolist():
                place = int(positions[number]) - first
                record = read_record(data, place)
                for _ in range(2):  # its head was cut off, or its value
                    if isinstance(record, int):
                        record = read_record(os.pread(file.descriptor, record, first + place), 0)
                if isinstance(record, tuple) and record[0] == keys[number]:
                    found[record[0]] = record[1]

    def _open(self, name: str) -> _File:
        descriptor = os.open(self._directory / name, os.O_RDONLY | os.O_CLOEXEC)
        self._opened += 1
        file = self._files[name] = _File(self._opened, descriptor)
        self._names[file.number] = name
        return file

    def _forget_missing(self, present: Iterable[str]) -> None:
        gone = self._files.keys() - set(present)
        if not gone:
            return
        for renamed in [name for name in gone if name.endswith(JOURNAL)]:
            segment = renamed.removesuffix(JOURNAL) + SEGMENT
            if segment in set(present) and segment not in self._files:
                file = self._files[segment] = self._files.pop(renamed)
                self._names[file.number] = segment
                gone.discard(renamed)
        numbers = set()
        for name in gone:
            file = self._files.pop(name)
            os.close(file.descriptor)
            numbers.add(file.number)
            del self._names[file.number]
        if numbers:
            self._index.drop(numbers)

    def close(self) -> None:
        """Close all files."""
        self._forget_missing(())


def oldest_created(age: float) -> float:
    """Return the moment before which frames are too old; `age` in seconds, 0 for never."""
    return time.time() - age if age > 0 else 0.0


def _runs(positions: Positions) -> Iterator[slice]:
    """Yield slices of ascending positions that are worth one read each."""
    start = 0
    for number in range(1, len(positions) + 1):
        if (
            number == len(positions)
            or positions[number] - positions[number - 1] > _GAP
            or positions[number] - positions[start] > _LONGEST_READ
        ):
            yield slice(start, number)
            start = number
