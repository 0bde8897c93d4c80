"""What the extension costs the planner: queries without `llm`, and queries with ten calls.

Planning is everything from the text of a query to its physical plan. Two sessions of one
application, with the extension and without, plan the same query in turns; queries with calls take
turns with the same query without the calls. Reported are medians.

    python -m benchmarks.planning [--rounds N] [--quick] [--json PATH]
"""

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from pyspark.sql import SparkSession
from rich.console import Console
from rich.table import Table

from benchmarks.tpch import create_tables, queries, with_and_without

_CALLS = 10
_LIMIT = 200.0  # ms that ten calls may add
_ASK = "llm('Is this a thing of kind {}?', p_name)"
_ASKS = [_ASK.format(kind) for kind in range(_CALLS)]
_NESTED = "llm('Say it otherwise', " * _CALLS + "p_name" + ")" * _CALLS

WITH_CALLS: Mapping[str, tuple[str, str]] = {
    "10 calls in SELECT": (
        f"SELECT p_partkey, {', '.join(_ASKS)} FROM part",
        f"SELECT p_partkey, {', '.join(['p_name'] * _CALLS)} FROM part",
    ),
    "10 calls in WHERE": (
        "SELECT * FROM part WHERE " + " OR ".join(f"{ask} = 'yes'" for ask in _ASKS),
        "SELECT * FROM part WHERE " + " OR ".join(f"p_name = '{kind}'" for kind in range(_CALLS)),
    ),
    "10 calls in a join": (
        f"SELECT {', '.join(_ASKS)} FROM part JOIN partsupp ON p_partkey = ps_partkey "
        "WHERE ps_availqty > 1",
        f"SELECT {', '.join(['p_name'] * _CALLS)} FROM part JOIN partsupp "
        "ON p_partkey = ps_partkey WHERE ps_availqty > 1",
    ),
    "10 nested calls": (f"SELECT {_NESTED} FROM part", "SELECT p_name FROM part"),
}


def planning_ms(spark: SparkSession, query: str) -> float:
    """Return the time from the text to the physical plan, in milliseconds."""
    started = time.perf_counter()
    spark.sql(query)._jdf.queryExecution().executedPlan()
    return (time.perf_counter() - started) * 1e3


def in_turns(
    ours: tuple[SparkSession, str], others: tuple[SparkSession, str], rounds: int
) -> tuple[float, float]:
    """Return the median planning times of two queries in ms, after one round that warms up."""
    both = ours, others
    times: tuple[list[float], list[float]] = [], []
    for turn in range(rounds + 1):
        for which in (0, 1) if turn % 2 else (1, 0):  # neither is always the first
            times[which].append(planning_ms(*both[which]))
    return statistics.median(times[0][1:]), statistics.median(times[1][1:])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--json", type=Path, help="write flat records here")
    args = parser.parse_args()
    rounds = 5 if args.quick else args.rounds
    builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    with tempfile.TemporaryDirectory() as warehouse:
        builder = builder.config("spark.sql.warehouse.dir", warehouse)
        extended, plain = with_and_without(builder.config("spark.log.level", "ERROR"))
        create_tables(extended)
        create_tables(plain)
        first_call = planning_ms(extended, f"SELECT {_ASK} FROM part")
        unaware = [
            in_turns((extended, query), (plain, query), rounds) for query in queries().values()
        ]
        aware = {
            name: in_turns((extended, with_calls), (extended, without), rounds)
            for name, (with_calls, without) in WITH_CALLS.items()
        }
        plain.stop()
    report(unaware, aware, first_call, rounds)
    if args.json:
        write(args.json, unaware, aware, first_call)


def report(
    unaware: Sequence[tuple[float, float]],
    aware: Mapping[str, tuple[float, float]],
    first_call: float,
    rounds: int,
) -> None:
    """Print the table, ratios first."""
    table = Table(title=f"planning, medians of {rounds} rounds, {platform.machine()}")
    for heading in ("case", "ratio", "ms", "ms without", "added ms", "limit"):
        table.add_column(heading, justify="left" if heading == "case" else "right")
    ours, theirs = (sum(times) for times in zip(*unaware, strict=True))
    rows = {"22 queries without llm, extension on and off": (ours, theirs), **aware}
    for name, (one, other) in rows.items():
        limit = f"{_LIMIT:.0f}" if name in aware else ""
        cells = (f"{one / other:.2f}", f"{one:.1f}", f"{other:.1f}", f"{one - other:.1f}", limit)
        table.add_row(name, *cells)
    Console().print(table)
    ratios = sorted(one / other for one, other in unaware)
    Console().print(
        f"ratio of the single queries without llm: {ratios[0]:.2f} to {ratios[-1]:.2f}, median "
        f"{statistics.median(ratios):.2f} · first call of a session: {first_call:.0f} ms"
    )


def write(
    path: Path,
    unaware: Sequence[tuple[float, float]],
    aware: Mapping[str, tuple[float, float]],
    first_call: float,
) -> None:
    """Write flat records."""
    ours, theirs = (sum(times) for times in zip(*unaware, strict=True))
    found = [
        ("22 queries without llm", "ours", "planning time", ours),
        ("22 queries without llm", "spark", "planning time", theirs),
        ("first call of a session", "ours", "planning time", first_call),
        *(
            (name, "ours", "planning time added", one - other)
            for name, (one, other) in aware.items()
        ),
    ]
    keys = ("case", "system", "metric", "value")
    records = [
        {"benchmark": "planning", **dict(zip(keys, record, strict=True)), "unit": "ms"}
        for record in found
    ]
    path.write_text(json.dumps(records, indent=1) + "\n")


if __name__ == "__main__":
    main()
