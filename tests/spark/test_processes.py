"""Engine processes: one per executor, none left behind, none that can fail a job by dying."""

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.spark.drivers import Driver, eventually, right


@pytest.fixture
def start() -> Iterator[Callable[[str, str, int], Driver]]:
    drivers: list[Driver] = []
    with tempfile.TemporaryDirectory(prefix="slm") as directory:  # short, for the sockets in it

        def make(master: str, implementation: str, rows: int, **properties: str) -> Driver:
            drivers.append(Driver(master, Path(directory), implementation, rows, **properties))
            return drivers[-1]

        yield make
        for driver in drivers:
            driver.process.kill()
            driver.process.wait()


def test_local_has_one_engine_and_none_after_stop(start: Callable[..., Driver]) -> None:
    driver = start("local[2]", "DigestEngine", 400)
    driver.hear()
    assert right(driver.hear()["rows"], 400)
    assert len(driver.engines()) == 1
    driver.go_on()
    assert driver.hear() == {"stopped": True}
    assert eventually(lambda: not driver.engines())


def test_two_executors_have_two_engines_and_none_after_stop(start: Callable[..., Driver]) -> None:
    driver = start("local-cluster[2,1,2048]", "SlowDigestEngine", 400)
    driver.hear()
    answered = driver.hear()
    assert right(answered["rows"], 400)
    assert answered["calls"] == 400
    assert len(driver.engines()) == 2
    driver.go_on()
    assert driver.hear() == {"stopped": True}
    assert eventually(lambda: not driver.engines())


def test_an_engine_killed_in_the_middle_costs_no_row(start: Callable[..., Driver]) -> None:
    driver = start("local[2]", "SlowDigestEngine", 1000)
    driver.hear()
    assert eventually(lambda: len(driver.engines()) == 1)
    (first,) = driver.engines()
    time.sleep(2)
    first.kill()
    assert right(driver.hear()["rows"], 1000)
    (second,) = driver.engines()
    assert second.pid != first.pid


def test_a_killed_driver_leaves_no_engine(start: Callable[..., Driver]) -> None:
    driver = start("local[2]", "SlowDigestEngine", 5000)
    driver.hear()
    assert eventually(lambda: len(driver.engines()) == 1)
    driver.process.kill()
    assert eventually(lambda: not driver.engines())
