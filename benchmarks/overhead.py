"""What a row costs besides the model: Spark, worker, optimizer, Flight, engine process.

The engine is real in all but the model: `InstantEngine` answers at once, in a real engine process.
Beside it stand UDFs that do nothing, which is what Spark itself takes to send a row to Python and
back. The cases take turns; reported are medians over the rounds.

    python -m benchmarks.overhead [--rows N] [--rounds N] [--quick] [--json PATH]
"""

import argparse
import json
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as sql
from rich.console import Console
from rich.table import Table

import sparkllm
from sparkllm.functions import llm

TARGET = 30.0  # µs a row


def pandas_identity(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
    """Return every batch as it came."""
    yield from batches


def cases() -> dict[str, Callable[[], Column]]:
    """Return what is measured, by name; a case makes a new column each time."""
    nothing = sql.pandas_udf(pandas_identity, "string")
    return {
        "pandas UDF that does nothing": lambda: nothing("review"),
        "llm, every row distinct": lambda: llm("classify", "review"),
        "llm, 500 distinct rows": lambda: llm("classify", "repeated"),
        "llm, three columns": lambda: llm("classify", "review", "product", "stars"),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--json", type=Path, help="write flat records here")
    args = parser.parse_args()
    rounds = 2 if args.quick else args.rounds

    spark = sparkllm.session(
        "local[2]",
        config={
            "spark.ui.enabled": "false",
            "spark.log.level": "ERROR",
            "spark.sparkllm.engine.implementation": "benchmarks.instant_engine:InstantEngine",
            "spark.sparkllm.store.memoryBytes": "0",
        },
    )
    table = reviews(spark, args.rows)
    seconds: dict[str, list[float]] = {name: [] for name in cases()}
    for turn in range(rounds + 1):  # the first round warms up and is not counted
        for name, column in cases().items():
            started = time.perf_counter()
            table.select(column()).write.format("noop").mode("overwrite").save()
            if turn:
                seconds[name].append(time.perf_counter() - started)
    spark.stop()
    report({name: statistics.median(times) for name, times in seconds.items()}, args.rows)
    if args.json:
        write(args.json, seconds, args.rows)


def reviews(spark: SparkSession, rows: int) -> DataFrame:
    """Return a cached table of `rows` rows with distinct texts of about 300 characters."""
    table = spark.range(rows, numPartitions=2).selectExpr(
        "concat('Review ', id, repeat(' it arrived on time and works as described', 7)) AS review",
        "concat('Review ', id % 500, repeat(' it arrived on time', 15)) AS repeated",
        "concat('product ', id % 100) AS product",
        "CAST(id % 5 AS INT) AS stars",
    )
    table = table.persist()
    table.count()
    return table


def report(medians: dict[str, float], rows: int) -> None:
    """Print the table, ratios first."""
    base = medians["pandas UDF that does nothing"]
    table = Table(title=f"{rows:,} rows, local[2], {platform.machine()}, Python "
                        f"{platform.python_version()}")  # fmt: skip
    for heading in ("case", "× do-nothing UDF", "µs a row", "above the UDF", "target"):
        table.add_column(heading, justify="left" if heading == "case" else "right")
    for name, median in medians.items():
        each = median / rows * 1e6
        target = "" if median == base else f"{TARGET:.0f}"
        above = each - base / rows * 1e6
        table.add_row(name, f"{median / base:.2f}", f"{each:.1f}", f"{above:.1f}", target)
    Console().print(table)


def write(path: Path, seconds: dict[str, list[float]], rows: int) -> None:
    """Write one flat record per case."""
    records = [
        {
            "benchmark": "overhead",
            "case": name,
            "system": "ours" if name.startswith("llm") else "spark",
            "metric": "time per row",
            "value": statistics.median(times) / rows * 1e6,
            "unit": "µs",
        }
        for name, times in seconds.items()
    ]
    path.write_text(json.dumps(records, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
