"""The store of answers: what a hit costs, what an answer takes on disk, what it costs in vain.

    python -m benchmarks.store [--rows N] [--model-rows N] [--quick] [--json PATH]

Four parts. Files: N answers are written and read in batches by a store that has just been
opened. Query: N distinct rows through Spark, all of them answered from the files. Twice: how much
faster a query is that has been asked before, by the same engine and by a new one. In vain: rows
that are all new, with the model that ships, with and without a store in turns; what counts there is
processor time of the engine, since other processes disturb it less than elapsed time, and the
median of the rounds' ratios.
"""

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path

import psutil
from pyspark.sql import DataFrame, SparkSession
from rich.console import Console
from rich.table import Table

import sparkllm
from benchmarks.machine import machine
from sparkllm.functions import llm
from sparkllm_engine import Result
from sparkllm_engine.store import ResultStore, StoreOptions
from sparkllm_engine.store.frames import KEY_BYTES

_BATCH = 8192
_INSTANT = "benchmarks.instant_engine:InstantEngine"
_SHIPPED = "sparkllm_engine.engine:LLMEngine"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One line of the table; `target` is what it should be at most or at least, for people."""

    case: str
    metric: str
    value: float
    unit: str
    target: str = ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--model-rows", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="fewer rows and rounds")
    parser.add_argument("--json", type=Path, help="write flat records here")
    args = parser.parse_args()
    rows = 50_000 if args.quick else args.rows
    model_rows = 500 if args.quick else args.model_rows
    rounds = 1 if args.quick else args.rounds
    with tempfile.TemporaryDirectory(prefix="slm", ignore_cleanup_errors=True) as directory:
        found = files(Path(directory, "files"), rows)
        show(found)
        spark = session(directory)
        parts = [query(spark, Path(directory, "query"), rows)]
        show(parts[0])
        parts.append(twice(spark, Path(directory), model_rows))
        show(parts[1])
        parts.append(in_vain(spark, Path(directory), model_rows, rounds))
        show(parts[2])
        spark.stop()
        found += [one for part in parts for one in part]
    if args.json:
        records = [
            {"benchmark": "store", "system": "ours"}
            | {name: value for name, value in asdict(one).items() if name != "target"}
            for one in found
        ]
        args.json.write_text(json.dumps(records, indent=1, ensure_ascii=False) + "\n")


def files(path: Path, rows: int) -> list[Measurement]:
    """Write answers, and find all of them from a store that has just been opened."""
    batches = [range(start, min(start + _BATCH, rows)) for start in range(0, rows, _BATCH)]
    writing = ResultStore(StoreOptions(0, str(path)))
    started = time.perf_counter()
    for batch in batches:
        writing.put([(key(n), Result(0, "positive", "choice", None, None, 120)) for n in batch])
        writing.flush(600)
    written = time.perf_counter() - started
    size = sum(file.stat().st_size for file in path.iterdir())
    before = psutil.Process().memory_info().rss
    started = time.perf_counter()
    store = ResultStore(StoreOptions(0, str(path)))
    opened = time.perf_counter() - started
    index = psutil.Process().memory_info().rss - before
    keys = [[key(n) for n in batch] for batch in batches]
    unknown = [[key(-1 - n) for n in batch] for batch in batches]
    started = time.perf_counter()
    hits = sum(result is not None for batch in keys for result in store.get(batch))
    hit = time.perf_counter() - started
    started = time.perf_counter()
    misses = sum(result is None for batch in unknown for result in store.get(batch))
    missed = time.perf_counter() - started
    assert hits == misses == rows
    case = f"files, {rows:,} answers"
    return [
        Measurement(case, "hits", rows / hit, "hits/s"),
        Measurement(case, "misses", rows / missed, "misses/s"),
        Measurement(case, "writing", rows / written, "answers/s"),
        Measurement(case, "size", size / rows, "bytes/row"),
        Measurement(case, "opening", opened, "s"),
        Measurement(case, "memory once opened", index / rows, "bytes/row"),
    ]


def key(number: int) -> bytes:
    """Return a key as the engine makes them."""
    return blake2b(str(number).encode(), digest_size=KEY_BYTES).digest()


def session(directory: str) -> SparkSession:
    """Return a session whose engines keep no answers in memory."""
    return sparkllm.session(
        "local[2]",
        config={
            "spark.ui.enabled": "false",
            "spark.log.level": "ERROR",
            "spark.sparkllm.engine.directory": directory,
            "spark.sparkllm.store.memoryBytes": "0",
        },
    )


def query(spark: SparkSession, path: Path, rows: int) -> list[Measurement]:
    """Answer distinct rows from the files, after they were answered by an engine without model."""
    spark.conf.set("spark.sparkllm.engine.implementation", _INSTANT)
    spark.conf.set("spark.sparkllm.store.path", str(path))
    table = spark.range(rows, numPartitions=2).selectExpr(
        "concat('Review ', id, repeat(' it arrived on time and works as described', 7)) AS review"
    )
    table = table.persist()
    table.count()
    ask(table, rows, calls=rows)
    seconds = ask(table, rows, calls=0)
    table.unpersist()
    case = f"query, {rows:,} distinct rows"
    return [
        Measurement(case, "all from the store", seconds, "s", "60 for 1,000,000"),
        Measurement(case, "a row", seconds / rows * 1e6, "µs", "60"),
    ]


def in_vain(spark: SparkSession, directory: Path, rows: int, rounds: int) -> list[Measurement]:
    """Answer rows that are all new by the model that ships, with and without a store in turns.

    Each turn has an engine of its own, since no two processes are equally fast.
    """
    spark.conf.set("spark.sparkllm.engine.implementation", _SHIPPED)
    paths = ["", str(directory / "model")]
    ratios, alone = [], []
    for turn in range(rounds):
        spent = {}
        for path in paths[:: 1 if turn % 2 else -1]:
            spark.conf.set("spark.sparkllm.store.path", path)
            ask(new_rows(spark, 100, f"warm {turn} {path}"), 100, calls=100)
            before = cpu_of_engines(directory)
            ask(new_rows(spark, rows, f"{turn} {path}"), rows, calls=rows)
            spent[path] = cpu_of_engines(directory) - before
            end_engines(directory)
        ratios.append(spent[paths[1]] / spent[paths[0]])
        alone.append(spent[paths[0]])
    case = f"the model that ships, {rows:,} new rows, {rounds} rounds"
    return [
        Measurement(
            case, "cost of the store when nothing hits", statistics.median(ratios) - 1, "", "< 0.03"
        ),
        Measurement(case, "least and most of a round", min(ratios) - 1, ""),
        Measurement(case, "", max(ratios) - 1, ""),
        Measurement(case, "processor time without a store", statistics.median(alone), "s"),
    ]


def twice(spark: SparkSession, directory: Path, rows: int) -> list[Measurement]:
    """Ask the model that ships, ask it once more, and once more after its engine has gone."""
    spark.conf.set("spark.sparkllm.engine.implementation", _SHIPPED)
    spark.conf.set("spark.sparkllm.store.path", str(directory / "twice"))
    table = new_rows(spark, rows, "twice")
    from_nothing = ask(table, rows, calls=rows)
    computed = ask(new_rows(spark, rows, "computed"), rows, calls=rows)
    again = statistics.median(ask(table, rows, calls=0) for _ in range(3))
    end_engines(directory)
    by_another = ask(table, rows, calls=0)
    case = f"the model that ships, {rows:,} rows"
    return [
        Measurement(case, "the first time", computed, "s"),
        Measurement(case, "again", again, "s"),
        Measurement(case, "again: faster", computed / again, "×", "≥ 20"),
        Measurement(case, "the first time, start of the engine included", from_nothing, "s"),
        Measurement(case, "again, by a new engine", by_another, "s"),
        Measurement(case, "again, by a new engine: faster", from_nothing / by_another, "×", "≥ 20"),
    ]


def new_rows(spark: SparkSession, rows: int, salt: str) -> DataFrame:
    """Return texts that no engine has seen."""
    digest = blake2b(salt.encode(), digest_size=4).hexdigest()
    return spark.range(rows, numPartitions=2).selectExpr(
        f"concat('{digest} ', id, repeat(' it came on time and works as described', 3)) AS review"
    )


def ask(table: DataFrame, rows: int, calls: int) -> float:
    """Return the seconds of a query with a call for each row; it must make so many calls."""
    started = time.perf_counter()
    answered = table.select(llm("classify", "review"))
    answered.write.format("noop").mode("overwrite").save()
    seconds = time.perf_counter() - started
    usage = sparkllm.usage(table.sparkSession).last
    assert (usage.rows, usage.calls) == (rows, calls), usage
    return seconds


def engines(directory: Path) -> list[psutil.Process]:
    """Return the engine processes of the session."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        command = " ".join(process.info["cmdline"] or ())
        if "sparkllm_engine.server" in command and str(directory) in command:
            found.append(process)
    return found


def cpu_of_engines(directory: Path) -> float:
    """Return the processor seconds that the engines of the session have used."""
    return sum(sum(process.cpu_times()[:2]) for process in engines(directory))


def end_engines(directory: Path) -> None:
    """Have the session start new engines."""
    for process in engines(directory):
        process.terminate()
        process.wait(60)


def show(found: list[Measurement]) -> None:
    """Print a part as a table."""
    table = Table(title=f"Store of answers, {machine()}")
    for heading in ("case", "what", "value", "unit", "target"):
        table.add_column(heading, justify="right" if heading == "value" else "left")
    for one in found:
        value = f"{one.value:,.0f}" if one.value >= 1000 else f"{one.value:.3g}"
        table.add_row(one.case, one.metric, value, one.unit, one.target)
    Console().print(table)


if __name__ == "__main__":
    main()
