"""How many calls each rule of the optimizer saves on a real table, counted where they are made.

    python -m benchmarks.rules --table womens_clothing_reviews.parquet [--quick] [--json PATH]

Each query runs with its rule on and off, with an engine that picks one of the allowed answers by a
checksum of the prompt and remembers none. Tokens are those of the prompts, cached ones included.
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

_YES_NO = "labels => array('yes', 'no')"
_PRAISES = f"llm('Does it praise the fit?', review_text, {_YES_NO}) = 'yes'"
_RETURNED = f"llm('Was it sent back? Say no if it was kept.', review_text, {_YES_NO}) = 'yes'"
_ANY = "llm('Is it about clothes?', title, labels => array('yes', 'of course', 'no')) <> 'no'"
_WARM = f"llm('Is it worn in winter?', class_name, {_YES_NO})"
_SENTIMENT = "llm('classify', review_text)"
_PREFIX = "spark.sparkllm.optimizer."
_QUICK_ROWS = 2000


@dataclass(frozen=True, slots=True)
class Case:
    """A rule, by the name of its switch, and a query that it is for.

    `others` are rules that are off with and without it, as they would save the same calls.
    """

    rule: str
    query: str
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counts:
    """What a query asked."""

    calls: int
    tokens: int


_WITHOUT_GUARDS = ("guards", "learnedPredicateOrder")
CASES = (
    Case(
        "cheapPredicatesFirst",
        f"SELECT id FROM r WHERE {_PRAISES} AND int(rating) <= 2",
        _WITHOUT_GUARDS,
    ),
    Case("predicatesInTurn", f"SELECT id FROM r WHERE {_PRAISES} AND {_RETURNED}", _WITHOUT_GUARDS),
    Case("learnedPredicateOrder", f"SELECT id FROM r WHERE {_ANY} AND {_PRAISES}"),
    Case("learnedPredicateOrder", f"SELECT id FROM r WHERE {_RETURNED} OR {_ANY}"),
    Case("guards", f"SELECT CASE WHEN int(rating) < 3 THEN {_SENTIMENT} ELSE 'fine' END FROM r"),
    Case("limitFirst", f"SELECT id, {_SENTIMENT} FROM r LIMIT 10", ("limitStopsAsking",)),
    Case("limitStopsAsking", f"SELECT id FROM r WHERE {_PRAISES} LIMIT 10"),
    Case("topRowsFirst", f"SELECT id, {_SENTIMENT} FROM r ORDER BY int(age) DESC, id LIMIT 10"),
    Case(
        "selectiveJoinsFirst",
        f"SELECT r.id FROM r JOIN classes c ON class_name = name WHERE rows < 50 AND {_PRAISES}",
    ),
    Case(
        "selectiveJoinsFirst",
        f"SELECT * FROM (SELECT review_text FROM r EXCEPT SELECT review_text FROM r "
        f"WHERE int(rating) > 2) WHERE {_PRAISES}",
    ),
    Case("groupsFirst", f"SELECT class_name FROM r GROUP BY class_name HAVING {_WARM} = 'yes'"),
    Case("distinctInputsFirst", f"SELECT DISTINCT {_WARM} FROM r"),
    Case(
        "fanOutLast",
        f"SELECT r.id, {_WARM} FROM (SELECT name AS class_name FROM classes) c "
        "JOIN r USING (class_name)",
        ("prefixExchange",),
    ),
    Case(
        "unionFirst",
        f"SELECT id, {_SENTIMENT} FROM r WHERE int(rating) < 4 UNION ALL "
        f"SELECT id, {_SENTIMENT} FROM r WHERE int(age) > 50",
    ),
    Case(
        "dropInferredCalls",
        f"SELECT a.id FROM r a JOIN (SELECT review_text AS text FROM r WHERE int(rating) < 3) b "
        f"ON a.review_text = b.text WHERE {_PRAISES}",
        ("selectiveJoinsFirst",),
    ),
    Case("prefixExchange", f"SELECT id, {_WARM} FROM r"),
)


def _counts(spark: SparkSession, case: Case, enabled: bool) -> Counts:
    for rule in {other.rule for other in CASES}:
        on = enabled if rule == case.rule else rule not in case.others
        spark.conf.set(f"{_PREFIX}{rule}.enabled", str(on).lower())
    ledger = sparkllm.usage(spark)
    before = ledger.session
    spark.sql(case.query).collect()
    after = ledger.session
    return Counts(after.calls - before.calls, after.prompt_tokens - before.prompt_tokens)


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
            f"{_PREFIX}prefixExchange.minRows": "1",
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
        rows = rows.selectExpr("monotonically_increasing_id() AS id", "*").repartition(4, "id")
        rows = rows.localCheckpoint()
        rows.createOrReplaceTempView("r")
        classes = spark.sql("SELECT class_name AS name, count(*) AS rows FROM r GROUP BY 1")
        classes.localCheckpoint().createOrReplaceTempView("classes")
        counted = [
            (case, _counts(spark, case, False), _counts(spark, case, True)) for case in CASES
        ]
        count = rows.count()
        spark.stop()
    columns = ("rule", "query", "calls without", "with", "tokens without", "with")
    shown = Table(*columns, title=f"{count:,} rows")
    records = []
    for case, off, on in counted:
        numbers = (off.calls, on.calls, off.tokens, on.tokens)
        shown.add_row(case.rule, case.query, *(f"{number:,}" for number in numbers))
        for system, counts in (("off", off), ("ours", on)):
            for metric, value in (("calls", counts.calls), ("prompt tokens", counts.tokens)):
                records.append({"benchmark": "rules", "case": f"{case.rule}: {case.query}",
                                "system": system, "metric": metric, "value": value,
                                "unit": metric.split()[-1]})  # fmt: skip
    console = Console(width=160)
    console.print(shown)
    console.print(machine())
    if args.json:
        args.json.write_text(json.dumps(records, indent=1) + "\n")


if __name__ == "__main__":
    main()
