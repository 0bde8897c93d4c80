"""A process is known by its pid and the time it was created."""

import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from sparkllm_engine.server.process import ProcessStamp


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that sleeps."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"]) as running:
        yield running
        running.kill()


def test_a_running_process_is_alive(process: subprocess.Popen[bytes]) -> None:
    assert ProcessStamp.of(process.pid).is_alive()


def test_a_killed_process_is_not_alive_even_before_it_is_reaped(
    process: subprocess.Popen[bytes],
) -> None:
    stamp = ProcessStamp.of(process.pid)
    process.kill()
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
        pass
    assert not stamp.is_alive()
    process.wait()
    assert not stamp.is_alive()


def test_another_process_with_the_same_pid_is_not_the_one_meant(
    process: subprocess.Popen[bytes],
) -> None:
    stamp = ProcessStamp.of(process.pid)
    assert not ProcessStamp(stamp.pid, stamp.created - 60).is_alive()
