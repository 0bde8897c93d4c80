"""What a task tells: usage to the driver, row errors to the executor's log."""

import contextlib
import json
import logging
import socket
from collections import Counter
from types import TracebackType

import pyarrow as pa
import pyarrow.compute as pc

from sparkllm.ledger import Usage
from sparkllm.worker.settings import WorkerSettings

_LOG = logging.getLogger("sparkllm")
_ERRORS_SHOWN = 5
_LONGEST_CALLS = 1000  # characters
_PATIENCE = 2.0  # seconds; a driver that does not listen must not hold a task


class Reporter:
    """Reports for one task. A driver that cannot be reached costs the report, never the task.

    Args:
        settings: of the task.
        calls: what the task evaluates in this pass, for people.
        known_rows: how many rows the pass has, if that is known.
    """

    def __init__(
        self, settings: WorkerSettings, calls: str = "", known_rows: int | None = None
    ) -> None:
        self._settings = settings
        self._where = {"query": settings.query, "calls": calls[:_LONGEST_CALLS]}
        self._known_rows = known_rows
        self._socket: socket.socket | None = None
        self._errors: Counter[str] = Counter()

    def __enter__(self) -> "Reporter":
        host, _, port = self._settings.usage_address.rpartition(":")
        if host:
            with contextlib.suppress(OSError, ValueError):
                self._socket = socket.create_connection((host, int(port)), _PATIENCE)
                hello = f"{self._settings.usage_token}\n{self._settings.application}\n"
                self._socket.sendall(hello.encode())
        if not self._settings.preview:
            begins = {"of": self._known_rows, "shown": self._settings.shown}
            self._send({**self._where, "begins": begins})
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError), self._socket:
                self._socket.shutdown(socket.SHUT_WR)
                self._socket.recv(1)  # the driver closes once it has counted everything
        for code, count in self._errors.items():
            if count > _ERRORS_SHOWN:
                _LOG.warning(
                    "%d inputs ended in %s, the first %d are above", count, code, _ERRORS_SHOWN
                )

    def window(self, usage: Usage) -> None:
        """Report a finished window; one that was only shown is not counted."""
        if self._settings.preview:
            return
        self._send({**self._where, "usage": usage.to_dict()})

    def under_way(self, rows: int) -> None:
        """Report how many rows of the current window are done."""
        self._send({**self._where, "under_way": rows})

    def preview(self, prompt: dict[str, object]) -> None:
        """Tell a prompt to the preview that this task runs for."""
        self._send({"preview": self._settings.preview, "prompt": prompt})

    def errors(self, results: pa.Table) -> None:
        """Log why rows have no answer: the first few of each code whole, the rest as a count."""
        failed = results.filter(pc.is_valid(results.column("error_code")))
        for row in failed.select(["error_code", "error_message"]).to_pylist():
            code = row["error_code"]
            self._errors[code] += 1
            if self._errors[code] <= _ERRORS_SHOWN:
                _LOG.warning("%s: %s (the row's answer is NULL)", code, row["error_message"])

    def _send(self, message: dict[str, object]) -> None:
        if self._socket is None:
            return
        try:
            self._socket.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            self._socket.close()
            self._socket = None
