"""The files of engine processes: a private directory, and names that belong to one executor."""

import hashlib
import os
import secrets
import socket
import stat
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from sparkllm.client.errors import EngineStartError

_LONGEST_SOCKET_PATH = 100
_LONGEST_SOCKET_NAME = 36
_KEEP_LOGS_SECONDS = 7 * 86400


@dataclass(frozen=True, slots=True)
class EngineFiles:
    """Where one engine's files are.

    Their common name is `host-pid-settings`: a hash of the host's name, the executor's pid, and a
    hash of the settings.
    """

    directory: Path
    name: str

    @classmethod
    def of(cls, base: str, executor: int, settings: str) -> "EngineFiles":
        """Return the files of the engine of an executor (its pid) with these settings (as JSON).

        Raises:
            EngineStartError: there is no directory that is safe and has a short enough path.
        """
        name = f"{_digest(socket.gethostname(), 2)}-{executor}-{_digest(settings, 4)}"
        return cls(runtime_directory(base), name)

    @property
    def lock(self) -> Path:
        """Held while an engine is being started."""
        return self.directory / f"{self.name}.lock"

    @property
    def endpoint(self) -> Path:
        """Says where the engine listens; it may be dead."""
        return self.directory / f"{self.name}.json"

    @property
    def failure(self) -> Path:
        """Says why the last start failed."""
        return self.directory / f"{self.name}.failure"

    @property
    def journal(self) -> Path:
        """What was in the engine, for the next process when this one dies."""
        return self.directory / f"{self.name}.journal"

    @property
    def log(self) -> Path:
        """What the engine process prints."""
        return self.directory / f"{self.name}.log"

    def new_socket(self) -> Path:
        """Return a path that no socket has had."""
        return self.directory / f"{self.name}-{secrets.token_hex(2)}.sock"

    def remove_sockets(self) -> None:
        """Remove the sockets of engines that are gone."""
        for path in self.directory.glob(f"{self.name}-*.sock"):
            path.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove files of executors of this host that are gone, logs only after a week."""
        host = self.name.split("-")[0]
        oldest_log = time.time() - _KEEP_LOGS_SECONDS
        for path in self.directory.glob(f"{host}-*"):
            executor = path.name.split("-")[1]
            if not executor.isdigit() or psutil.pid_exists(int(executor)):
                continue
            try:
                if path.suffix != ".log" or path.stat().st_mtime < oldest_log:
                    path.unlink()
            except FileNotFoundError:
                continue


def runtime_directory(base: str) -> Path:
    """Return the user's private directory (mode 0700) below `base`, made if it is not there.

    An empty `base` means the first of `$XDG_RUNTIME_DIR`, the temporary directory and `/tmp` that
    can be written to and whose path leaves room for the name of a socket.

    Raises:
        EngineStartError: it can't be made, belongs to somebody else, or its path is too long.
    """
    directory = _private_below(Path(base).absolute() if base else _usual_place())
    try:
        directory.mkdir(mode=0o700, parents=bool(base), exist_ok=True)
        status = directory.lstat()
    except OSError as error:
        raise EngineStartError(
            f"the directory {directory} for the engine's socket can't be made: {error.strerror}: "
            "set spark.sparkllm.engine.directory to one that can"
        ) from error
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise EngineStartError(
            f"{directory} is not a directory of the user {os.getuid()} (its owner is "
            f"{status.st_uid}): remove it, or set spark.sparkllm.engine.directory to another place"
        )
    if not _leaves_room(directory):
        raise EngineStartError(
            f"the path {directory} is too long for a socket, it may have "
            f"{_LONGEST_SOCKET_PATH - _LONGEST_SOCKET_NAME} bytes: set "
            "spark.sparkllm.engine.directory to a shorter one"
        )
    if stat.S_IMODE(status.st_mode) != 0o700:
        directory.chmod(0o700)
    return directory


def _usual_place() -> Path:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    places = [Path(place) for place in (runtime, tempfile.gettempdir(), "/tmp") if place]
    for place in places:
        if os.access(place, os.W_OK) and _leaves_room(_private_below(place)):
            return place
    return places[-1]


def _private_below(place: Path) -> Path:
    return place / f"sparkllm-{os.getuid()}"


def _leaves_room(directory: Path) -> bool:
    return len(os.fsencode(directory)) + 1 + _LONGEST_SOCKET_NAME <= _LONGEST_SOCKET_PATH


def _digest(text: str, size: int) -> str:
    return hashlib.blake2b(text.encode(), digest_size=size).hexdigest()
