"""Which requests are in the engine, in a file that outlives a process that dies.

A record is appended for whatever happens to a request: one byte for its kind, its key, one byte for
a count. A process that ends in good order removes the file; one that finds it knows
what its predecessor was working on when it died:

    +  the request went into the engine        ?  it was there when so many processes died
    -  it left the engine                      x  it is not asked any more, after so many
"""

import logging
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from sparkllm_engine.store.frames import KEY_BYTES

_RECORD_BYTES = KEY_BYTES + 2
_REWRITE_BYTES = 4 << 20
_MOST_DEATHS = 255
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Legacy:
    """What processes that died leave to the next one, by the key of a request.

    Attributes:
        deaths: requests that were in the engine when so many processes died.
        quarantined: those that were alone in it, and not for the first time.
    """

    deaths: Mapping[bytes, int] = field(default_factory=dict)
    quarantined: Mapping[bytes, int] = field(default_factory=dict)


def read_legacy(path: Path) -> Legacy:
    """Return what the process that wrote the file leaves; nothing when it ended in good order."""
    inside: Counter[bytes] = Counter()
    deaths: dict[bytes, int] = {}
    quarantined: dict[bytes, int] = {}
    for kind, key, number in _records(path):
        match kind:
            case b"+":
                inside[key] += 1
            case b"-":
                inside[key] -= 1
                deaths.pop(key, None)
            case b"?":
                deaths[key] = number
            case b"x":
                quarantined[key] = number
    suspects = list((+inside).elements())
    for key in set(suspects):
        deaths[key] = min(deaths.get(key, 0) + 1, _MOST_DEATHS)
    if len(suspects) == 1 and deaths[suspects[0]] > 1:
        quarantined[suspects[0]] = deaths.pop(suspects[0])
    return Legacy(deaths, quarantined)


def _records(path: Path) -> Iterator[tuple[bytes, bytes, int]]:
    try:
        content = path.read_bytes()
    except OSError:
        return
    for start in range(0, len(content) - _RECORD_BYTES + 1, _RECORD_BYTES):
        record = content[start : start + _RECORD_BYTES]
        yield record[:1], record[1:-1], record[-1]


class Journal:
    """Writes the file; not thread-safe. A disk that is full costs the journal, never a row.

    Args:
        path: of the file, which is begun anew; None writes nothing.
        legacy: what it begins with.
    """

    def __init__(self, path: Path | None, legacy: Legacy) -> None:
        self._path = path
        self._legacy = legacy
        self._inside: Counter[bytes] = Counter()
        self._fd = -1
        self._size = 0
        self._begin()

    def entered(self, keys: Iterable[bytes]) -> None:
        """Note that requests go into the engine."""
        keys = list(keys)
        self._inside.update(keys)
        self._write([b"+" + key + b"\0" for key in keys])

    def left(self, keys: Iterable[bytes]) -> None:
        """Note that requests are out of the engine, whatever became of them."""
        keys = list(keys)
        self._inside.subtract(keys)
        self._write([b"-" + key + b"\0" for key in keys])
        if self._size > _REWRITE_BYTES:
            self._begin()

    def _begin(self) -> None:
        if self._path is None:
            return
        if self._fd >= 0:
            os.close(self._fd)
        self._inside = +self._inside
        self._size = 0
        draft = self._path.with_suffix(".draft")
        try:
            self._fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        except OSError as error:
            self._give_up(error)
            return
        kinds = ((b"?", self._legacy.deaths), (b"x", self._legacy.quarantined))
        self._write(
            [kind + key + bytes([number]) for kind, of in kinds for key, number in of.items()]
        )
        self._write([b"+" + key + b"\0" for key in self._inside.elements()])
        if self._fd >= 0:
            draft.replace(self._path)

    def _write(self, records: list[bytes]) -> None:
        if self._fd < 0 or not records:
            return
        content = b"".join(records)
        try:
            while content:
                written = os.write(self._fd, content)
                self._size += written
                content = content[written:]
        except OSError as error:
            os.close(self._fd)
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        _log.warning("rows that kill the engine can't be told from others: %s", error)
        self._fd = -1
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
