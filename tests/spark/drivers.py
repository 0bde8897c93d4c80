"""Running `tests.spark.driver`, and what its answers have to be."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from tests.engines import digest

_PATIENCE = 90  # seconds, on a machine that does other things too


class Driver:
    """A running `tests.spark.driver`."""

    def __init__(
        self, master: str, directory: Path, implementation: str, rows: int, **properties: str
    ) -> None:
        self.directory = directory
        command = [sys.executable, "-m", "tests.spark.driver", master, str(directory)]
        self.process = subprocess.Popen(
            [*command, f"tests.engines:{implementation}", str(rows), json.dumps(properties)],
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


def eventually(is_so: Callable[[], bool]) -> bool:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.1)
    return False


def right(rows: object, count: int) -> bool:
    head = "Classify the input. Answer with one of these labels:\n"
    labels = "- positive\n- negative\n- neutral\n\n"
    return rows == [[n, digest(f'{head}{labels}x: "row {n}"\n')] for n in range(count)]
