"""Processes that can be told apart, even when the system gives a pid out again."""

from dataclasses import dataclass

import psutil

_SAME_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class ProcessStamp:
    """A process: its pid and the time it was created, in seconds since the epoch."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> "ProcessStamp":
        """Return the stamp of a running process.

        Raises:
            psutil.NoSuchProcess: no such process runs.
        """
        return cls(pid, psutil.Process(pid).create_time())

    def is_alive(self) -> bool:
        """Whether this very process still runs; one that ended but is not reaped does not.

        The system's clock may have been set since, so creation times are the same within 2 s.
        """
        try:
            process = psutil.Process(self.pid)
            if abs(process.create_time() - self.created) > _SAME_SECONDS:
                return False
            return process.status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
        except psutil.NoSuchProcess:
            return False
        except psutil.AccessDenied:
            return True
