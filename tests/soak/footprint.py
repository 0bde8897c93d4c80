"""What a driver and everything below it hold of the machine, sampled while it works."""

import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType

import psutil

_EVERY = 0.5  # seconds
_MARGIN = {"engine_bytes": 32 << 20, "worker_bytes": 64 << 20, "driver_bytes": 32 << 20}
_SHARE = 1.05


@dataclass(frozen=True, slots=True)
class Footprint:
    """One sample; bytes are resident ones, but for the JVM, whose heap grows up to its limit."""

    engines: int
    engine_bytes: int
    engine_threads: int
    engine_descriptors: int
    workers: int
    worker_bytes: int
    worker_descriptors: int
    driver_bytes: int
    driver_descriptors: int
    jvm_descriptors: int
    processes: int
    files: int

    @classmethod
    def now(cls, directory: Path) -> "Footprint":
        """Return the footprint of this process, whose engine's files are below `directory`."""
        driver = psutil.Process()
        below = [(process, _command(process)) for process in driver.children(recursive=True)]
        engines = [one for one, command in below if "sparkllm_engine.server" in command]
        workers = [one for one, command in below if "pyspark.daemon" in command]
        jvms = [one for one, command in below if "java" in command.split(" ")[0]]
        return cls(
            engines=len(engines),
            engine_bytes=_sum(process.memory_info().rss for process in engines),
            engine_threads=_sum(process.num_threads() for process in engines),
            engine_descriptors=_sum(process.num_fds() for process in engines),
            workers=len(workers),
            worker_bytes=_sum(process.memory_info().rss for process in workers),
            worker_descriptors=_sum(process.num_fds() for process in workers),
            driver_bytes=driver.memory_info().rss,
            driver_descriptors=driver.num_fds(),
            jvm_descriptors=_sum(process.num_fds() for process in jvms),
            processes=len(below),
            files=sum(1 for _ in directory.rglob("*")),
        )


def _command(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        return " ".join(process.cmdline())
    return ""


def _sum(numbers: Iterable[int]) -> int:
    total = 0
    with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        for number in numbers:
            total += number
    return total


class Watch:
    """Samples the footprint every half second, in a `with` statement."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self.samples: list[Footprint] = []

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._end.wait(_EVERY):
            self.samples.append(Footprint.now(self._directory))

    def thirds(self) -> dict[str, tuple[int, int]]:
        """Return each number in the second and in the last third of the time.

        Of bytes it is the peak; of counts the least, which what queries hold for a while does not
        change, but what they leave does.
        """
        third = len(self.samples) // 3
        parts = self.samples[third : 2 * third], self.samples[2 * third :]
        found = {}
        for name in [field.name for field in fields(Footprint)]:
            extreme = max if name in _MARGIN else min
            middle, last = (
                extreme((getattr(one, name) for one in part), default=0) for part in parts
            )
            found[name] = (middle, last)
        return found

    def growth(self) -> dict[str, tuple[int, int]]:
        """Return what rose: bytes by more than 5% and a margin, counts by more than 3."""
        return {
            name: (middle, last)
            for name, (middle, last) in self.thirds().items()
            if last > (_SHARE * middle + _MARGIN[name] if name in _MARGIN else middle + 3)
        }
