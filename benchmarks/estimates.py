"""What `sparkllm.explain` says beforehand, against what is counted afterwards.

For every table of a folder above 2,000 rows, a call on all of its columns and one on the column
with the longest texts: distinct inputs, prompt tokens and tokens from the cache, estimated from a
sample and counted by an engine that has the model's tokenizer and a prefix cache but no model. Then
seconds: the real engine answers one query, and the time of others is told before they run.

    python -m benchmarks.estimates --data ../shared/data/tables [--timed-rows N] [--quick]
        [--json PATH]
"""

import argparse
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

import sparkllm
from benchmarks.machine import machine

FEWEST_ROWS = 2_000
COUNTS = ("distinct", "prompt_tokens", "cached_tokens")
IMPLEMENTATION = "spark.sparkllm.engine.implementation"
COUNTING = "benchmarks.instant_engine:CacheEngine"
MOST_OFF = {"seconds": 30.0}
OFF = 15.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """One number, estimated and counted."""

    case: str
    metric: str
    estimated: float
    counted: float

    @property
    def off(self) -> float:
        """How far the estimate is off, in percent of what was counted."""
        return 100 * (self.estimated / self.counted - 1) if self.counted else 0.0


def calls(
    spark: SparkSession, path: Path, label: str, rows: int | None = None
) -> dict[str, DataFrame]:
    """Return the queries on a table, by name; `label` makes their prompts new to the cache."""
    table = pq.read_table(path)
    read = spark.read.parquet(str(path.absolute()))
    read = read.limit(rows).localCheckpoint() if rows else read
    name = path.stem
    read.createOrReplaceTempView(name)
    texts = {
        column: pc.sum(pc.binary_length(table.column(column).cast("large_string"))).as_py() or 0
        for column in table.column_names
        if str(table.schema.field(column).type) in {"string", "large_string"}
    }
    longest = max(texts, key=lambda column: texts[column])
    labels = f"labels => array('{label}', 'positive', 'negative')"
    quoted = ", ".join(f"`{column}`" for column in table.column_names)
    return {
        f"{name}, all {table.num_columns} columns": spark.sql(
            f"SELECT llm('classify', {quoted}, {labels}) FROM {name}"
        ),
        f"{name}, {longest}": spark.sql(
            f"SELECT llm('classify', `{longest}`, {labels}) FROM {name}"
        ),
    }


def outcomes(case: str, query: DataFrame, metrics: tuple[str, ...]) -> Iterator[Outcome]:
    """Estimate, run, and compare."""
    (explained,) = sparkllm.explain(query, analyze=True).operators
    assert explained.estimate
    assert explained.actual
    for metric in metrics:
        estimated = getattr(explained.estimate, metric)
        counted = getattr(explained.actual, metric)
        if estimated is not None:
            yield Outcome(case, metric, estimated, counted)


def measured(spark: SparkSession, args: argparse.Namespace) -> Iterator[Outcome]:
    """Compare counts on whole tables, then seconds on some rows of each."""
    paths = [
        path
        for path in sorted(args.data.glob("*.parquet"))
        if pq.read_metadata(path).num_rows > FEWEST_ROWS
    ]
    paths = paths[:1] if args.quick else paths
    spark.conf.set(IMPLEMENTATION, COUNTING)
    for order in ("asWritten",) if args.quick else ("asWritten", "perQuery"):
        spark.conf.set("spark.sparkllm.optimizer.columnOrder", order)
        for path in paths:
            for case, query in calls(spark, path, order).items():
                yield from outcomes(f"{case}, {order}", query, COUNTS)
    spark.conf.unset("spark.sparkllm.optimizer.columnOrder")
    spark.conf.unset(IMPLEMENTATION)
    # What the counting engine took tells nothing of the real one's speed.
    sparkllm.usage(spark).forget()
    for path in paths:
        for case, query in calls(spark, path, "other", args.timed_rows).items():
            yield from outcomes(f"{case}, first {args.timed_rows:,} rows", query, ("seconds",))


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="a folder of parquet tables")
    parser.add_argument("--timed-rows", type=int, default=400, help="rows for the real engine")
    parser.add_argument("--quick", action="store_true", help="one table, as written")
    parser.add_argument("--json", type=Path, help="write flat records here")
    args = parser.parse_args()
    print(machine())
    with tempfile.TemporaryDirectory(prefix="slm") as directory:
        spark = sparkllm.session(
            "local[2]",
            config={
                "spark.ui.enabled": "false",
                "spark.ui.showConsoleProgress": "false",
                "spark.log.level": "ERROR",
                "spark.executorEnv.PYTHONPATH": str(Path(__file__).parents[1]),
                "spark.sparkllm.engine.directory": directory,
            },
        )
        found = []
        for one in measured(spark, args):
            found.append(one)
            verdict = "" if abs(one.off) <= MOST_OFF.get(one.metric, OFF) else "  missed"
            print(
                f"{one.off:+7.1f}%  {one.metric:14}{one.estimated:14,.1f}{one.counted:14,.1f}"
                f"  {one.case}{verdict}",
                flush=True,
            )
        spark.stop()
    if args.json:
        made = [
            {"benchmark": "estimates", "case": one.case, "system": system, "metric": one.metric,
             "value": value, "unit": "s" if one.metric == "seconds" else one.metric}
            for one in found
            for system, value in (("ours", one.estimated), ("counted", one.counted))
        ]  # fmt: skip
        args.json.write_text("\n".join(map(json.dumps, made)) + "\n")


if __name__ == "__main__":
    main()
