"""The files of a store: checksummed frames of records, appended one after the other.

    file    = magic frame*
    frame   = "FRAM" size count created checksum payload      checksum = blake2b of all the rest
    payload = offset{count} record*                           offsets within the payload
    record  = key length crc32 value                          crc32 of the value

A frame counts as written when its checksum is right. A reader takes frames up to the first that is
not, so a write that was cut off is never read, nor is a file of somebody else.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import numpy as np

KEY_BYTES: Final = 32
MAGIC: Final = b"sparkllm-store1\n"

_MARK = b"FRAM"
_HEAD = struct.Struct("<4sIII")
_CHECKSUM_BYTES = 16
_FRAME_BYTES = _HEAD.size + _CHECKSUM_BYTES
_RECORD = struct.Struct(f"<{KEY_BYTES}sII")
_LONGEST_FRAME = 1 << 30

Positions = np.ndarray[tuple[int], np.dtype[np.int64]]
Prefixes = np.ndarray[tuple[int], np.dtype[np.uint64]]


@dataclass(frozen=True, slots=True)
class Frame:
    """A whole frame as it was found in a file.

    Attributes:
        created: seconds since the epoch.
        positions: of its records in the file, bytes.
        prefixes: the first eight bytes of their keys.
        end: position after it.
    """

    created: int
    positions: Positions
    prefixes: Prefixes
    end: int


def encode_frame(records: Sequence[tuple[bytes, bytes]], created: int) -> bytes:
    """Return a frame of records, each a key of `KEY_BYTES` bytes and a value."""
    parts = []
    offsets = np.empty(len(records), dtype="<u4")
    offset = offsets.nbytes
    for number, (key, value) in enumerate(records):
        offsets[number] = offset
        parts.append(_RECORD.pack(key, len(value), zlib.crc32(value)))
        parts.append(value)
        offset += _RECORD.size + len(value)
    payload = b"".join((offsets.tobytes(), *parts))
    head = _HEAD.pack(_MARK, len(payload), len(records), created)
    return head + _checksum(head, payload) + payload


def scan(data: bytes, start: int) -> Iterator[Frame]:
    """Yield the whole frames of a part of a file, up to the first that is none.

    Args:
        data: what stands in the file from position `start` on; at 0 it begins with the magic.
        start: where a frame begins, or 0.
    """
    view = memoryview(data)
    place = 0
    if start == 0:
        if not data.startswith(MAGIC):
            return
        place = len(MAGIC)
    while (frame := _frame(view, place, start)) is not None:
        yield frame
        place = frame.end - start


def read_record(data: bytes | memoryview, place: int) -> tuple[bytes, bytes] | int | None:
    """Return key and value of the record at a place of `data`.

    An integer says that so many bytes from `place` on are needed; None that it is damaged.
    """
    if len(data) - place < _RECORD.size:
        return _RECORD.size
    key, length, crc = _RECORD.unpack_from(data, place)
    first = place + _RECORD.size
    if len(data) - first < length:
        return int(_RECORD.size + length)
    value = bytes(data[first : first + length])
    return (key, value) if zlib.crc32(value) == crc else None


def prefix(key: bytes) -> int:
    """Return the number that an index has in place of the key."""
    return int.from_bytes(key[:8], "little")


def _frame(view: memoryview, place: int, start: int) -> Frame | None:
    if len(view) - place < _FRAME_BYTES:
        return None
    mark, size, count, created = _HEAD.unpack_from(view, place)
    first = place + _FRAME_BYTES
    if mark != _MARK or size > _LONGEST_FRAME or len(view) - first < size:
        return None
    payload = view[first : first + size]
    head = view[place : place + _HEAD.size]
    if _checksum(head, payload) != view[place + _HEAD.size : first]:
        return None
    offsets = np.frombuffer(payload, "<u4", count).astype(np.int64)
    every = np.frombuffer(payload, np.uint8)
    prefixes = every[offsets[:, None] + np.arange(8)].view("<u8").ravel().astype(np.uint64)
    return Frame(created, offsets + (start + first), prefixes, start + first + size)


def _checksum(head: bytes | memoryview, payload: bytes | memoryview) -> bytes:
    digest = blake2b(head, digest_size=_CHECKSUM_BYTES)
    digest.update(payload)
    return digest.digest()
