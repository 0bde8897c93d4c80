"""The one line that a starting engine process writes to whoever started it."""

import json
import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Report:
    """How the start went: `error` is None when the engine is ready, else one sentence."""

    error: str | None = None

    def to_line(self) -> bytes:
        """Return the report as a line of JSON."""
        return json.dumps({"ready": self.error is None, "error": self.error}).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> "Report":
        """Read what `to_line` wrote."""
        return cls(json.loads(line)["error"])


def send_report(fd: int, report: Report) -> None:
    """Write the report and close the descriptor.

    Raises:
        BrokenPipeError: nobody waits for it any more.
    """
    try:
        line = report.to_line()
        while line:
            line = line[os.write(fd, line) :]
    finally:
        os.close(fd)
