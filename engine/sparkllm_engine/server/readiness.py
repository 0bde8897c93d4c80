"""The one line that a starting engine process writes to whoever started it."""

import json
import os
import select
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


class Reporter:
    """The writing end of the pipe, an inherited descriptor."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._sent = False

    def send(self, report: Report) -> None:
        """Write the report and close the pipe.

        Raises:
            BrokenPipeError: nobody waits for it any more.
        """
        self._sent = True
        try:
            line = report.to_line()
            while line:
                line = line[os.write(self._fd, line) :]
        finally:
            os.close(self._fd)

    def wait_until_abandoned(self) -> bool:
        """Wait until nobody reads the pipe; return whether that was before the report."""
        poll = select.poll()
        poll.register(self._fd, 0)
        poll.poll()
        return not self._sent
