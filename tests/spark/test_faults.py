"""What Spark itself does about processes that are lost, with the engine beside them."""

from collections.abc import Callable
from contextlib import suppress

import psutil
import pytest

from tests.spark.drivers import Driver, eventually, right
from tests.spark.test_processes import start

__all__ = ["start"]

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]


def below(driver: Driver, word: str) -> list[psutil.Process]:
    """Return the processes below a driver whose command line has the word."""
    found = []
    for process in psutil.Process(driver.process.pid).children(recursive=True):
        with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if any(word in argument for argument in process.cmdline()):
                found.append(process)
    return found


def workers(driver: Driver) -> list[psutil.Process]:
    """Return the Python workers that run tasks: children of Spark's daemons."""
    daemons = below(driver, "pyspark.daemon")
    return [process for process in daemons if process.parent() in daemons]


def test_a_killed_worker_costs_no_row(start: Callable[..., Driver]) -> None:
    driver = start("local[2,4]", "SlowDigestEngine", 1000)
    driver.hear()
    assert eventually(lambda: len(driver.engines()) == 1)
    assert eventually(lambda: bool(workers(driver)))
    workers(driver)[0].kill()
    assert right(driver.hear()["rows"], 1000)
    assert len(driver.engines()) == 1


def test_a_lost_executor_costs_no_row_and_leaves_no_engine(start: Callable[..., Driver]) -> None:
    driver = start("local-cluster[2,1,2048]", "SlowDigestEngine", 1000)
    driver.hear()
    assert eventually(lambda: len(driver.engines()) == 2)
    before = driver.engines()
    below(driver, "CoarseGrainedExecutorBackend")[0].kill()
    assert right(driver.hear()["rows"], 1000)
    assert eventually(lambda: sum(engine.is_running() for engine in before) == 1)
    driver.go_on()
    assert driver.hear() == {"stopped": True}
    assert eventually(lambda: not driver.engines())


def test_a_row_that_kills_the_engine_is_one_error_of_its_query(
    start: Callable[..., Driver],
) -> None:
    driver = start("local[2]", "MortalDigestEngine", 200)
    driver.hear()
    answered = driver.hear()
    rows = dict(answered["rows"])
    assert [number for number, answer in rows.items() if answer is None] == [77]
    assert answered["errors"] == {"QUARANTINED": 1}
