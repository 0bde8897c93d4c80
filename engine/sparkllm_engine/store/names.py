"""Names of the files of a store, and which of them may still grow.

    HOST-PID-CREATED-RANDOM.journal    one process appends to it
    HOST-PID-CREATED-RANDOM.segment    never changes again; …-tMOMENT.segment: joined from older

A journal becomes a segment by being renamed: by its process, or by whoever finds it dead.
"""

import os
import secrets
import socket
import time
from hashlib import blake2b
from pathlib import Path

import psutil

from sparkllm_engine.server.process import ProcessStamp

JOURNAL = ".journal"
SEGMENT = ".segment"
DRAFT = ".draft"
_OTHER_HOST_SECONDS = 3600.0  # a journal of another host that is older has lost its process


def new_name() -> str:
    """Return a name without suffix that no other process gives, and that says whose it is."""
    stamp = ProcessStamp.of(os.getpid())
    return f"{_host()}-{stamp.pid}-{round(stamp.created)}-{secrets.token_hex(4)}"


def written_at(moment: int) -> str:
    """Return a new name of a segment whose answers are from before (epoch)."""
    return f"{new_name()}-t{moment}{SEGMENT}"


def moment_of(name: str, modified: float) -> float:
    """Return when a file's answers were written (epoch), given when the file was."""
    _, separator, moment = name.removesuffix(SEGMENT).rpartition("-t")
    return float(moment) if separator and moment.isdigit() else modified


def adopt(directory: Path) -> list[Path]:
    """Make segments of the journals whose processes are gone; return the segments."""
    adopted = []
    for journal in directory.glob(f"*{JOURNAL}"):
        if _is_abandoned(journal):
            segment = journal.with_suffix(SEGMENT)
            try:
                journal.rename(segment)
            except FileNotFoundError:  # somebody else was faster
                continue
            adopted.append(segment)
    return adopted


def _is_abandoned(journal: Path) -> bool:
    parts = journal.stem.split("-")
    try:
        host, pid, created = parts[0], int(parts[1]), float(parts[2])
    except (ValueError, IndexError):
        return False
    if host == _host():
        return not psutil.pid_exists(pid) or not ProcessStamp(pid, created).is_alive()
    try:
        return time.time() - journal.stat().st_mtime > _OTHER_HOST_SECONDS
    except FileNotFoundError:
        return False


def _host() -> str:
    return blake2b(socket.gethostname().encode(), digest_size=4).hexdigest()
