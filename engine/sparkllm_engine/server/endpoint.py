"""The file that says where an engine process listens, written by whoever has started it."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from sparkllm_engine.server.process import ProcessStamp


def location_of(socket: str) -> str:
    """Return the Flight location of a Unix domain socket, given its path."""
    return f"grpc+unix://{socket}"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A ready engine process and the path of its socket."""

    process: ProcessStamp
    socket: str

    @property
    def location(self) -> str:
        """The Flight location."""
        return location_of(self.socket)

    def write(self, path: Path) -> None:
        """Write the file; a reader sees all of it or the one before."""
        body = {
            "pid": self.process.pid,
            "created": self.process.created,
            "socket": self.socket,
        }
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.write_text(json.dumps(body))
        draft.replace(path)

    @classmethod
    def read(cls, path: Path) -> "Endpoint | None":
        """Return what the file says, None when there is none or it can't be read."""
        try:
            body = json.loads(path.read_text())
            return cls(
                ProcessStamp(int(body["pid"]), float(body["created"])),
                str(body["socket"]),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None
