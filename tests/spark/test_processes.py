"""Engine processes: one per executor, none left behind, none that can fail a job by dying."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from tests.engines import digest

_PATIENCE = 90  # seconds, on a machine that does other things too


class Driver:
    """A running `tests.spark.driver`."""

    def __init__(self, master: str, directory: Path, implementation: str, rows: int) -> None:
        self.directory = directory
        command = [sys.executable, "-m", "tests.spark.driver", master, str(directory)]
        self.process = subprocess.Popen(
            [*command, f"tests.engines:{implementation}", str(rows)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )

    def hear(self) -> dict[str, object]:
        """Return the next thing it says."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the driver ended"
        facts: dict[str, object] = json.loads(line)
        return facts

    def go_on(self) -> None:
        """Let it pass its next stop."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def engines(self) -> list[psutil.Process]:
        """Return its engine processes: those whose command line names its directory."""
        found = []
        for process in psutil.process_iter(["cmdline"]):
            command = " ".join(process.info["cmdline"] or ())
            if "sparkllm_engine.server" in command and str(self.directory) in command:
                found.append(process)
        return found


@pytest.fixture
def start() -> Iterator[Callable[[str, str, int], Driver]]:
    drivers: list[Driver] = []
    with tempfile.TemporaryDirectory(prefix="slm") as directory:  # short, for the sockets in it

        def make(master: str, implementation: str, rows: int) -> Driver:
            drivers.append(Driver(master, Path(directory), implementation, rows))
            return drivers[-1]

        yield make
        for driver in drivers:
            driver.process.kill()
            driver.process.wait()


def _eventually(is_so: Callable[[], bool]) -> bool:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.1)
    return False


def _right(rows: object, count: int) -> bool:
    head = "Classify the input. Answer with one of these labels:\n"
    labels = "- positive\n- negative\n- neutral\n\n"
    return rows == [[n, digest(f'{head}{labels}x: "row {n}"\n')] for n in range(count)]


def test_local_has_one_engine_and_none_after_stop(start: Callable[..., Driver]) -> None:
    driver = start("local[2]", "DigestEngine", 400)
    driver.hear()
    assert _right(driver.hear()["rows"], 400)
    assert len(driver.engines()) == 1
    driver.go_on()
    assert driver.hear() == {"stopped": True}
    assert _eventually(lambda: not driver.engines())


def test_two_executors_have_two_engines_and_none_after_stop(start: Callable[..., Driver]) -> None:
    driver = start("local-cluster[2,1,2048]", "SlowDigestEngine", 400)
    driver.hear()
    answered = driver.hear()
    assert _right(answered["rows"], 400)
    assert answered["calls"] == 400
    assert len(driver.engines()) == 2
    driver.go_on()
    assert driver.hear() == {"stopped": True}
    assert _eventually(lambda: not driver.engines())


def test_an_engine_killed_in_the_middle_costs_no_row(start: Callable[..., Driver]) -> None:
    driver = start("local[2]", "SlowDigestEngine", 1000)
    driver.hear()
    assert _eventually(lambda: len(driver.engines()) == 1)
    (first,) = driver.engines()
    time.sleep(2)
    first.kill()
    assert _right(driver.hear()["rows"], 1000)
    (second,) = driver.engines()
    assert second.pid != first.pid


def test_a_killed_driver_leaves_no_engine(start: Callable[..., Driver]) -> None:
    driver = start("local[2]", "SlowDigestEngine", 5000)
    driver.hear()
    assert _eventually(lambda: len(driver.engines()) == 1)
    driver.process.kill()
    assert _eventually(lambda: not driver.engines())
