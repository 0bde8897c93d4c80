"""Where a store is: a directory of this machine, or a folder of a filesystem that pyarrow knows."""

import os
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from sparkllm_engine.store.names import DRAFT, JOURNAL, SEGMENT, moment_of, new_name

_WRITTEN_WHOLE = ("s3", "gcs", "abfs")  # a file is there when its writer has closed it
_OF_HADOOP = {"s3a": "s3", "s3n": "s3"}


class StoreLocationError(ValueError):
    """The path names no place that a store can be at; the message says why."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A segment or journal: its name in the store, bytes, and when it was written (epoch)."""

    name: str
    size: int
    written: float


class Location:
    """The files of one store.

    Args:
        path: a path of this machine or a URI such as `s3://bucket/folder`.

    Raises:
        StoreLocationError: pyarrow can't open it.
    """

    def __init__(self, path: str) -> None:
        from pyarrow import fs

        self.path = path
        scheme, separator, rest = path.partition("://")
        uri = f"{_OF_HADOOP.get(scheme, scheme)}{separator}{rest}" if separator else path
        self._files: Any = fs.LocalFileSystem()
        self._root = str(Path(path).expanduser().absolute())
        try:
            if separator:
                self._files, self._root = fs.FileSystem.from_uri(uri)
        except Exception as error:
            raise StoreLocationError(
                f"a store can't be at {path!r}: {error}: give a directory, or a URI of a "
                "filesystem that pyarrow opens, such as s3://bucket/folder"
            ) from error

    @property
    def directory(self) -> Path | None:
        """The directory of this machine that it is, None for another filesystem."""
        return Path(self._root) if self._files.type_name == "local" else None

    def make(self) -> None:
        """Make the folder if it is not there.

        Raises:
            OSError: it can't be made.
        """
        self._files.create_dir(self._root, recursive=True)

    def files(self) -> list[StoredFile]:
        """Return the segments and journals there are, oldest first.

        Raises:
            OSError: the folder can't be read.
        """
        from pyarrow import fs

        found = self._files.get_file_info(fs.FileSelector(self._root, allow_not_found=True))
        files = [
            StoredFile(info.base_name, info.size, moment_of(info.base_name, info.mtime_ns / 1e9))
            for info in found
            if info.is_file and info.base_name.endswith((SEGMENT, JOURNAL))
        ]
        return sorted(files, key=lambda file: (file.written, file.name))

    def read(self, name: str) -> bytes:
        """Return a file's bytes.

        Raises:
            OSError: it can't be read.
        """
        with self._files.open_input_stream(f"{self._root}/{name}") as file:
            return bytes(file.read())

    def publish(self, data: bytes, name: str = "") -> str:
        """Write a segment that others see whole or not at all; return its name.

        Raises:
            OSError: it can't be written; nothing is left of it.
        """
        name = name or f"{new_name()}{SEGMENT}"
        path = f"{self._root}/{name}"
        draft = path if self._files.type_name in _WRITTEN_WHOLE else f"{path}{DRAFT}"
        try:
            with self._files.open_output_stream(draft) as file:
                file.write(data)
            if draft != path:
                if self.directory is not None:
                    _sync(Path(draft))
                self._files.move(draft, path)
        except OSError:
            with suppress(OSError):
                self._files.delete_file(draft)
            raise
        return name

    def remove(self, name: str) -> None:
        """Remove a file; one that is gone already is no error."""
        with suppress(FileNotFoundError):
            self._files.delete_file(f"{self._root}/{name}")


def mirror_directory(path: str) -> Path:
    """Return the private directory of this machine that has copies of the files at `path`.

    Raises:
        OSError: it can't be made, or belongs to somebody else.
    """
    place = Path(tempfile.gettempdir()) / f"sparkllm-store-{os.getuid()}"
    place.mkdir(mode=0o700, exist_ok=True)
    status = place.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise PermissionError(f"{place} is not a directory of the user {os.getuid()}: remove it")
    directory = place / blake2b(path.encode(), digest_size=8).hexdigest()
    directory.mkdir(mode=0o700, exist_ok=True)
    return directory


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
