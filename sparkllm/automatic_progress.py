"""Progress of long queries, shown on the driver without being asked to.

A worker says when its task begins and whether its session wants to see progress; its connection
ends with the task. So a ledger is at work while it has tasks, here and behind Spark Connect alike.

    first task begins ─► 2 s of work? ── no ─► nothing
                           yes ─► shown until no task has run for a second
"""

import threading
import time

from sparkllm.ledger import Ledger
from sparkllm.progress_display import show
from sparkllm.work_since import WorkSince

_SHOW_AFTER = 2.0  # seconds
_LINGER = 1.0  # seconds, between the stages of a query
_POLL_SECONDS = 0.1


class AutomaticProgress:
    """Shows ledgers while they are at work, each in a thread of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shown: set[int] = set()

    def task_began(
        self, ledger: Ledger, task: object, query: str, calls: str, known_rows: int | None
    ) -> None:
        """Tell the ledger that a task began, and show it if it is at work for long."""
        with self._lock:
            if id(ledger) not in self._shown:
                self._shown.add(id(ledger))
                arguments = (ledger, WorkSince(ledger))
                threading.Thread(target=self._follow, args=arguments, daemon=True).start()
            ledger.task_began(task, query, calls, known_rows)

    def _follow(self, ledger: Ledger, work: WorkSince) -> None:
        while True:
            self._show(ledger, work, _Rest(ledger, work))
            with self._lock:
                if not ledger.tasks:
                    self._shown.discard(id(ledger))
                    return
            work = WorkSince(ledger)

    def _show(self, ledger: Ledger, work: WorkSince, rest: "_Rest") -> None:
        if rest.wait(_SHOW_AFTER):
            return
        if not ledger.display.acquire(blocking=False):  # `progress` shows it
            while ledger.display.locked() and not rest.wait(_POLL_SECONDS):
                pass
            return
        try:
            show(work, rest)
        finally:
            ledger.display.release()


class _Rest:
    """Comes when the ledger has had no task for a while."""

    def __init__(self, ledger: Ledger, work: WorkSince) -> None:
        self._ledger = ledger
        self._work = work
        self._since: float | None = None

    def wait(self, timeout: float) -> bool:
        """Wait at most `timeout` seconds; return whether it has come."""
        deadline = time.monotonic() + timeout
        while not self._has_come():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(left, _POLL_SECONDS))
        return True

    def _has_come(self) -> bool:
        if self._ledger.tasks:
            self._since = None
        elif self._since is None:
            self._since = time.monotonic()
        self._work.rest(self._since)
        return self._since is not None and time.monotonic() - self._since > _LINGER
