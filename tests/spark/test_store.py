"""Nothing is computed twice: not by another query, not by a job that was killed and runs again."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from pyspark.sql import SparkSession

import sparkllm
from sparkllm.functions import llm
from tests.engines import CountingEngine
from tests.spark.drivers import Driver, eventually, right

WINDOW = 50  # rows, of `tests.spark.driver`

Start = Callable[[str, int], Driver]


class Job:
    """Drivers with one store, and the record of all that their engines computed."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._record = directory / "record"
        self._record.touch()
        self._drivers: list[Driver] = []

    def start(self, master: str, rows: int) -> Driver:
        """Start the job."""
        properties = {
            "spark.sparkllm.model": str(self._record),
            "spark.sparkllm.store.path": str(self._directory / "store"),
        }
        driver = Driver(master, self._directory, "CountingEngine", rows, **properties)
        self._drivers.append(driver)
        return driver

    @property
    def computed(self) -> int:
        """How many answers were computed, or begun to be."""
        return len(self._record.read_text().splitlines())

    def end(self) -> None:
        """Kill what runs."""
        for driver in self._drivers:
            driver.process.kill()
            driver.process.wait()


@pytest.fixture
def job() -> Iterator[Job]:
    with tempfile.TemporaryDirectory(prefix="slm", ignore_cleanup_errors=True) as directory:
        one = Job(Path(directory))
        yield one
        one.end()


@contextmanager
def counting(spark: SparkSession, path: Path, properties: dict[str, str]) -> Iterator[Path]:
    """Let queries of the session use a `CountingEngine` and a store; give the engine's record."""
    record = path / "record"
    changed = {
        "spark.sparkllm.engine.implementation": "tests.engines:CountingEngine",
        "spark.sparkllm.model": str(record),
        "spark.sparkllm.store.path": str(path / "store"),
        **properties,
    }
    before = {name: spark.conf.get(name, None) for name in changed}
    for name, value in changed.items():
        spark.conf.set(name, value)
    try:
        yield record
    finally:
        for name, value in before.items():
            spark.conf.unset(name) if value is None else spark.conf.set(name, value)


def test_the_same_query_again_makes_no_call(spark: SparkSession, tmp_path: Path) -> None:
    with counting(spark, tmp_path, {"spark.sparkllm.store.memoryBytes": "0"}) as record:
        table = spark.range(300, numPartitions=1).selectExpr("concat('row ', id % 200) AS x")
        answers, usages = [], []
        for _ in range(2):
            answers.append(table.select(llm("Look at it", "x")).collect())
            usages.append(sparkllm.usage(spark).last)
    first, second = usages
    assert answers[0] == answers[1]
    assert len(record.read_text().splitlines()) == 200
    assert (first.calls, first.stored) == (200, 0)
    assert (second.calls, second.stored) == (0, 200)
    assert second.prompt_tokens == second.output_tokens == 0
    assert second.saved_prompt_tokens == first.prompt_tokens > 0
    assert second.saved_output_tokens == first.output_tokens == 200


def test_a_query_ends_when_its_budget_is_spent_and_the_next_one_goes_on(
    spark: SparkSession, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table = spark.range(200, numPartitions=2).selectExpr("concat('row ', id) AS x")
    query = table.select(llm("Look at it", "x").alias("answer"))
    prices = {"spark.sparkllm.price.input": "1000", "spark.sparkllm.price.output": "3000"}
    with counting(spark, tmp_path, {"spark.sparkllm.budget.calls": "50", **prices}) as record:
        answers = [row.answer for row in query.collect()]
        first = sparkllm.usage(spark).last
        spark.conf.set("spark.sparkllm.budget.calls", "0")
        complete = [row.answer for row in query.collect()]
        second = sparkllm.usage(spark).last
        assert len(record.read_text().splitlines()) == 200
    assert sum(answer is not None for answer in answers) == 50
    assert None not in complete
    assert (first.calls, first.refused, first.errors) == (50, 150, {"BUDGET": 150})
    assert (second.calls, second.stored, second.errors) == (150, 50, {})
    assert first.money == pytest.approx(first.prompt_tokens / 1000 + first.output_tokens * 3 / 1000)
    assert second.saved_money == pytest.approx(first.money)
    assert "spark.sparkllm.budget.calls = 50 is spent: the rest of the query's rows" in caplog.text


def test_a_job_killed_at_60_percent_and_run_again_computes_only_the_rest(job: Job) -> None:
    rows = 2000
    first = job.start("local[2]", rows)
    first.hear()
    assert eventually(lambda: job.computed > 0.6 * rows)
    first.process.kill()
    assert eventually(lambda: not first.engines())
    before = job.computed
    assert before < rows
    second = job.start("local[2]", rows)
    second.hear()
    answered = second.hear()
    assert right(answered["rows"], rows)
    in_flight = 2 * CountingEngine.batch  # one step computing, one on its way to the file
    assert rows <= job.computed <= rows + in_flight
    assert answered["calls"] == job.computed - before


def test_an_executor_that_is_lost_costs_no_more_than_its_rows_in_flight(job: Job) -> None:
    rows = 3000
    driver = job.start("local-cluster[2,1,2048]", rows)
    driver.hear()
    assert eventually(lambda: job.computed > 0.3 * rows)
    engine = driver.engines()[0]
    executor = _executor_of(engine, driver)
    executor.kill()
    answered = driver.hear()
    assert right(answered["rows"], rows)
    in_flight = 2 * WINDOW + 4 * CountingEngine.batch  # windows of the task that was lost
    assert rows <= job.computed <= rows + in_flight


def _executor_of(engine: psutil.Process, driver: Driver) -> psutil.Process:
    """Return the JVM that the engine names as its executor."""
    command = engine.cmdline()[-1]
    executors = [
        process
        for process in psutil.Process(driver.process.pid).children(recursive=True)
        if f'"executor": {{"pid": {process.pid},' in command
    ]
    assert len(executors) == 1, command
    return executors[0]
