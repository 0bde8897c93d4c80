"""How many calls each rule of the optimizer saves on a real table, counted where they are made.

    python -m benchmarks.rules --table womens_clothing_reviews.parquet [--quick] [--json PATH]

Each query runs with its rule on and off, with an engine that picks one of the allowed answers by a
checksum of the prompt and remembers none.
"""

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import SparkSession
from rich.console import Console
from rich.table import Table

import sparkllm
from benchmarks.machine import machine

_PRAISES = "llm('Does it praise the fit?', review_text, labels => array('yes', 'no')) = 'yes'"
_RETURNED = "llm('Was it sent back?', review_text, labels => array('yes', 'no')) = 'yes'"
_SENTIMENT = "llm('classify', review_text)"
_QUICK_ROWS = 2000


@dataclass(frozen=True, slots=True)
class Case:
    """A rule, by the name of its switch, and a query that it is for."""

    rule: str
    query: str


CASES = (
    Case("cheapPredicatesFirst", f"SELECT id FROM r WHERE {_PRAISES} AND int(rating) <= 2"),
    Case("predicatesInTurn", f"SELECT id FROM r WHERE {_PRAISES} AND {_RETURNED}"),
    Case("guards", f"SELECT CASE WHEN int(rating) < 3 THEN {_SENTIMENT} ELSE 'fine' END FROM r"),
    Case("limitFirst", f"SELECT id, {_SENTIMENT} FROM r LIMIT 10"),
    Case("limitStopsAsking", f"SELECT id FROM r WHERE {_PRAISES} LIMIT 10"),
    Case("topRowsFirst", f"SELECT id, {_SENTIMENT} FROM r ORDER BY int(age) DESC, id LIMIT 10"),
)


def _calls(spark: SparkSession, case: Case, enabled: bool) -> int:
    rules = {other.rule: True for other in CASES} | {case.rule: enabled}
    if case.rule == "limitFirst" and not enabled:
        rules["limitStopsAsking"] = False  # it would stop after the same rows
    for rule, on in rules.items():
        spark.conf.set(f"spark.sparkllm.optimizer.{rule}.enabled", str(on).lower())
    ledger = sparkllm.usage(spark)
    before = ledger.session.calls
    spark.sql(case.query).collect()
    return ledger.session.calls - before


def _session(directory: str) -> SparkSession:
    return sparkllm.session(
        "local[2]",
        config={
            "spark.ui.enabled": "false",
            "spark.log.level": "ERROR",
            "spark.executorEnv.PYTHONPATH": str(Path(__file__).parents[1]),
            "spark.sparkllm.engine.implementation": "benchmarks.instant_engine:ChecksumEngine",
            "spark.sparkllm.engine.directory": directory,
            "spark.sparkllm.store.memoryBytes": "0",
        },
    )


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=Path, required=True, help="womens_clothing_reviews.parquet")
    parser.add_argument("--quick", action="store_true", help=f"the first {_QUICK_ROWS} rows only")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="slm") as directory:
        spark = _session(directory)
        rows = spark.read.parquet(str(args.table.absolute()))
        rows = rows.limit(_QUICK_ROWS) if args.quick else rows
        rows = rows.selectExpr("monotonically_increasing_id() AS id", "*").localCheckpoint()
        rows.createOrReplaceTempView("r")
        counted = {case: (_calls(spark, case, False), _calls(spark, case, True)) for case in CASES}
        count = rows.count()
        spark.stop()
    shown = Table("rule", "query", "calls without", "calls with", "left", title=f"{count:,} rows")
    records = []
    for case, (without, with_rule) in counted.items():
        share = with_rule / max(without, 1)
        shown.add_row(case.rule, case.query, f"{without:,}", f"{with_rule:,}", f"{share:.1%}")
        for system, calls in (("off", without), ("ours", with_rule)):
            records.append({"benchmark": "rules", "case": case.rule, "system": system,
                            "metric": "calls", "value": calls, "unit": "calls"})  # fmt: skip
    console = Console(width=160)
    console.print(shown)
    console.print(machine())
    if args.json:
        args.json.write_text(json.dumps(records, indent=1) + "\n")


if __name__ == "__main__":
    main()
