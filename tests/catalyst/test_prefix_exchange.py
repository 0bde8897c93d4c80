"""Large inputs are exchanged by the start of their prompts, and nothing else is."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sparkllm_optimizer import PlanOptions, plan, prefix_hits
from tests.catalyst.application import application
from tests.catalyst.conftest import RecordedApplication

_ROOT = Path(__file__).parents[2]

SWITCH = "spark.sparkllm.optimizer.prefixExchange.enabled"
MIN_ROWS = "spark.sparkllm.optimizer.prefixExchange.minRows"
PRODUCTS = "SELECT id, llm('Describe it', product) AS d FROM t"


@pytest.fixture
def exchanging(recorded: RecordedApplication) -> Iterator[RecordedApplication]:
    """The application, for which eight rows are a large input."""
    recorded.value(f"spark.conf.set('{MIN_ROWS}', '1')")
    yield recorded
    recorded.value(f"spark.conf.unset('{MIN_ROWS}')")


def exchanges(app: RecordedApplication, query: str) -> int:
    plan = app.value(f"spark.sql({query!r})._jdf.queryExecution().optimizedPlan().toString()")
    return str(plan).count("RepartitionByExpression")


@pytest.mark.long
def test_equal_inputs_are_asked_once_in_the_query_not_once_on_each_executor(
    tmp_path: Path,
) -> None:
    """Two executors with an engine each: 4 products in each of two files."""
    with tempfile.TemporaryDirectory(prefix="slm") as directory:
        record = Path(directory, "record")
        properties = {
            "spark.master": "local-cluster[2,1,1024]",
            "spark.executor.memory": "1g",
            "spark.scheduler.minRegisteredResourcesRatio": "1.0",
            "spark.scheduler.maxRegisteredResourcesWaitingTime": "120s",
            "spark.locality.wait": "0s",
            "spark.executorEnv.PYTHONPATH": str(_ROOT),
            "spark.sparkllm.model": str(record),
            "spark.sparkllm.engine.implementation": "tests.engines:RecordingEngine",
            "spark.sparkllm.engine.directory": directory,
            "spark.sparkllm.store.memoryBytes": "0",
        }
        with application(tmp_path, properties, environment={"PYTHONPATH": str(_ROOT)}) as app:
            columns = ("id", "concat('product ', id % 4) AS product")
            rows = f"spark.range(0, 8, 1, 2).selectExpr(*{columns!r})"
            app.value(f"{rows}.write.saveAsTable('t')")
            calls = []
            for least in ("1000", "1"):
                app.value(f"spark.conf.set('{MIN_ROWS}', '{least}')")
                before = len(_lines(record))
                app.value(f"spark.sql({PRODUCTS!r}).collect() and None")
                calls.append(len(_lines(record)) - before)
    assert calls == [8, 4]


def _lines(record: Path) -> list[str]:
    return record.read_text().splitlines() if record.exists() else []


def test_equal_inputs_of_two_files_are_asked_once(exchanging: RecordedApplication) -> None:
    """The engine remembers no answer here; each of the four products is in both files."""
    assert len(exchanging.asked(PRODUCTS)) == 4


def test_answers_are_the_same(exchanging: RecordedApplication) -> None:
    query = f"{PRODUCTS} ORDER BY id"
    answers = exchanging.rows(query)
    exchanging.value(f"spark.conf.set('{SWITCH}', 'false')")
    try:
        assert exchanging.rows(query) == answers
    finally:
        exchanging.value(f"spark.conf.unset('{SWITCH}')")


@pytest.mark.parametrize(
    ("count", "query"),
    [
        (1, PRODUCTS),
        (1, f"SELECT d, count(*) FROM ({PRODUCTS}) GROUP BY d LIMIT 3"),
        (1, "SELECT llm('Sum up', llm('Describe it', product)) FROM t"),
        (0, f"SELECT * FROM ({PRODUCTS}) WHERE d <> '' LIMIT 3"),
        (0, "SELECT llm('Describe it', product) FROM (SELECT * FROM t ORDER BY id)"),
        (0, "SELECT llm('Describe it', product) FROM (SELECT * FROM t ORDER BY id LIMIT 7)"),
        (0, "SELECT llm('Describe it', product) FROM (SELECT /*+ REPARTITION(2) */ * FROM t)"),
        (0, "SELECT input_file_name(), llm('Describe it', product) FROM t"),
        (0, "SELECT llm('Say it', 'hello') FROM t"),
    ],
    ids=[
        "plain", "a limit behind an aggregate", "nested calls, below both", "a limit",
        "an order", "the first of an order", "a partitioning", "names of files", "a constant",
    ],
)  # fmt: skip
def test_what_is_exchanged(exchanging: RecordedApplication, count: int, query: str) -> None:
    assert exchanges(exchanging, query) == count


def test_small_inputs_are_not_exchanged(recorded: RecordedApplication) -> None:
    assert exchanges(recorded, PRODUCTS) == 0


def test_a_value_of_most_rows_is_split_into_parts_of_equal_work(
    exchanging: RecordedApplication,
) -> None:
    """Of 4,000 rows 60% have one product; texts are longer the later the product's name sorts."""
    rows = (
        "SELECT if(id % 5 < 3, 'hot', concat('product ', 100 + id % 400)) AS product, "
        "concat(repeat('review ', 1 + id % 40), id) AS review FROM range(0, 4000, 1, 4)"
    )
    query = f"SELECT llm('classify', product, review) AS s, product, review FROM ({rows})"
    exchanging.value("spark.conf.set('spark.sparkllm.optimizer.prefixExchange.partitions', '8')")
    try:
        exchanging.value(f"spark.sql({query!r}).write.mode('overwrite').parquet('split') and None")
    finally:
        exchanging.value("spark.conf.unset('spark.sparkllm.optimizer.prefixExchange.partitions')")
    files = sorted((exchanging.folder / "split").glob("*.parquet"))
    parts = [pq.read_table(file).select(["product", "review"]) for file in files]
    assert sum(part.num_rows for part in parts) == 4000
    assert len(parts) == 8
    whole = _to_compute(pa.concat_tables(parts))
    work = [_to_compute(part) for part in parts]
    assert max(work) / (sum(work) / 8) <= 1.15
    assert sum(work) <= 1.02 * whole
    assert sum("hot" in part.column("product").to_pylist() for part in parts) >= 4


def _to_compute(rows: pa.Table) -> int:
    """The tokens that a cache without bound leaves to compute."""
    options = PlanOptions("asWritten")
    hits = prefix_hits(plan(rows, options), rows, options)
    return hits.prompt - hits.cached
