"""Looking after a store: what is in it, whether it is whole, and keeping it within limits."""

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from sparkllm_engine.store.frames import MAGIC, encode_frame, read_record, scan
from sparkllm_engine.store.location import Location, StoredFile
from sparkllm_engine.store.names import SEGMENT, adopt, written_at
from sparkllm_engine.store.record import decode_result

_SMALL = 16 << 20  # bytes of a segment that is worth joining with others
_MANY = 32  # small segments
_RECORDS_A_FRAME = 4096
_RECENT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class StoreReport:
    """What a store holds.

    Attributes:
        files: segments and journals.
        bytes: their size.
        records: whole records; `answers` of them have different keys.
        damaged: bytes that are no whole frames, by file: cut off, changed or foreign. A journal
            that is being written may end in some.
        unreadable: files that could not be read, with the reason.
        unknown: records with values that are no answers of this version.
        prompt_tokens: tokens of the prompts that the answers saved so far once each.
        output_tokens: tokens of the answers.
        oldest: when the oldest frame was written, epoch; 0 without any.
        newest: when the newest was.
    """

    files: int
    bytes: int
    records: int
    answers: int
    damaged: dict[str, int]
    unreadable: dict[str, str]
    unknown: int
    prompt_tokens: int
    output_tokens: int
    oldest: int
    newest: int


@dataclass(frozen=True, slots=True)
class Pruned:
    """What `prune` did: files and bytes before and after."""

    files: tuple[int, int]
    bytes: tuple[int, int]


def report(location: Location) -> StoreReport:
    """Read all files, check every checksum, and return what they hold.

    Raises:
        OSError: the folder can't be read.
    """
    files = location.files()
    keys: set[bytes] = set()
    damaged: dict[str, int] = {}
    unreadable: dict[str, str] = {}
    moments: list[int] = []
    records = unknown = prompt_tokens = output_tokens = 0
    for file in files:
        try:
            data = location.read(file.name)
        except OSError as error:
            unreadable[file.name] = str(error)
            continue
        end = 0
        for created, frame_end, entries in _frames(data):
            end = frame_end
            moments.append(created)
            for key, value in entries:
                records += 1
                keys.add(key)
                result = decode_result(value)
                if result is None:
                    unknown += 1
                else:
                    prompt_tokens += result.prompt_tokens
                    output_tokens += result.output_tokens
        end = end or (len(MAGIC) if data.startswith(MAGIC) else 0)
        if end < len(data):
            damaged[file.name] = len(data) - end
    return StoreReport(
        len(files),
        sum(file.size for file in files),
        records,
        len(keys),
        damaged,
        unreadable,
        unknown,
        prompt_tokens,
        output_tokens,
        min(moments, default=0),
        max(moments, default=0),
    )


def prune(location: Location, max_bytes: int = 0, max_age: float = 0.0) -> Pruned:
    """Remove what is too old or too much, oldest first, and join small segments.

    Journals that are being written stay.

    Args:
        location: of the store.
        max_bytes: bytes that may stay, 0 for any number.
        max_age: seconds since an answer was written, 0 for any time.

    Raises:
        OSError: the folder can't be read or written.
    """
    if location.directory is not None:
        adopt(location.directory)
    before = location.files()
    oldest = time.time() - max_age if max_age > 0 else 0.0
    for file in before:
        if file.name.endswith(SEGMENT) and file.written < oldest:
            location.remove(file.name)
    compact(location, oldest, 2)
    files = location.files()
    left = sum(file.size for file in files)
    for file in files:
        if max_bytes <= 0 or left <= max_bytes:
            break
        if file.name.endswith(SEGMENT):
            location.remove(file.name)
            left -= file.size
    after = location.files()
    return Pruned((len(before), len(after)), (_bytes(before), _bytes(after)))


def compact(location: Location, oldest: float = 0.0, many: int = _MANY) -> None:
    """Write small segments into larger ones, each answer once, when there are `many` of them.

    Two processes that do it at a time cost room until the next time, nothing else.

    Raises:
        OSError: the folder can't be read or written; no answer is lost.
    """
    small = [
        file for file in location.files() if file.name.endswith(SEGMENT) and file.size < _SMALL
    ]
    if len(small) < many:
        return
    for together in _batches(small):
        data, whole, moment = _joined(location, together, oldest)
        if len(data) > len(MAGIC):
            location.publish(data, written_at(moment))
        for name in whole:
            location.remove(name)


def clear(location: Location) -> int:
    """Remove all segments and journals; return how many there were.

    Raises:
        OSError: the folder can't be read or written.
    """
    files = location.files()
    for file in files:
        location.remove(file.name)
    return len(files)


def _joined(
    location: Location, files: list[StoredFile], oldest: float
) -> tuple[bytes, list[str], int]:
    """Return a segment with the records of files, the names of those, and its last moment."""
    seen: set[bytes] = set()
    parts = [MAGIC]
    whole = []
    held: list[tuple[bytes, bytes]] = []
    moment = 0
    for file in files:
        with suppress(OSError):
            data = location.read(file.name)
            if not data.startswith(MAGIC):
                continue
            for created, _, entries in _frames(data):
                if created < oldest:
                    continue
                if len(held) >= _RECORDS_A_FRAME or (held and created > moment + _RECENT_SECONDS):
                    parts.append(encode_frame(held, moment))
                    held = []
                moment = moment if held else created
                for key, value in entries:
                    if key not in seen:
                        seen.add(key)
                        held.append((key, value))
            whole.append(file.name)
    if held:
        parts.append(encode_frame(held, moment))
    return b"".join(parts), whole, moment


def _batches(files: list[StoredFile]) -> Iterator[list[StoredFile]]:
    batch: list[StoredFile] = []
    for file in files:
        batch.append(file)
        if _bytes(batch) >= 4 * _SMALL:
            yield batch
            batch = []
    if len(batch) > 1:
        yield batch


def _frames(data: bytes) -> Iterator[tuple[int, int, list[tuple[bytes, bytes]]]]:
    for frame in scan(data, 0):
        entries = [read_record(data, int(position)) for position in frame.positions]
        yield frame.created, frame.end, [entry for entry in entries if isinstance(entry, tuple)]


def _bytes(files: list[StoredFile]) -> int:
    return sum(file.size for file in files)
