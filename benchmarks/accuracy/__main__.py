"""How often `llm_filter`, `llm_classify`, `llm_sentiment` and `llm_extract` are right.

    python -m benchmarks.accuracy --data FOLDER [--rows N] [--model M] [--quick] [--json PATH]

Each case is a query of Spark over labelled rows that the training of the model that ships never saw
(`sparkllm.demo_model.corpus.split`). An error of a row is a wrong answer. Of `llm_extract` each
field counts. Beside ours stands the commonest answer of the other rows (of fields: none is there),
and, for the tables of the paper, the answers of larger models that come with them.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import Row, SparkSession
from rich.console import Console
from rich.table import Table

import sparkllm
from benchmarks.accuracy.cases import Case, cases
from benchmarks.machine import machine

_ROWS, _QUICK_ROWS = 400, 60


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of a case: accuracies by system, rows, rows with an error, seconds."""

    case: Case
    accuracies: dict[str, float]
    errors: int
    seconds: float


def accuracy(answers: Sequence[Any], truth: Sequence[Any]) -> float:
    """Return the share of right answers, of right fields where answers have some."""
    right = total = 0
    for answer, true in zip(answers, truth, strict=True):
        if isinstance(true, dict):
            said = answer or {}
            right += sum(answer is not None and said[name] == true[name] for name in true)
            total += len(true)
        else:
            right += answer == true
            total += 1
    return right / total


def measure(spark: SparkSession, case: Case) -> Measured:
    """Ask, and compare."""
    names = list(case.rows[0].columns)
    table = spark.createDataFrame(
        [(number, *row.columns.values()) for number, row in enumerate(case.rows)],
        ", ".join(["number INT", *(f"{name} STRING" for name in names)]),
    )
    began = time.monotonic()
    answered = table.selectExpr("number", f"{case.call} AS answer").collect()
    seconds = time.monotonic() - began
    found = {row.number: row.answer for row in answered}
    answers = [_plain(found[number]) for number in range(len(case.rows))]
    truth = [row.truth for row in case.rows]
    systems = {"ours": answers, "majority": [case.majority] * len(truth)}
    for name in case.rows[0].others:
        systems[name] = [row.others[name] for row in case.rows]
    accuracies = {name: accuracy(given, truth) for name, given in systems.items()}
    return Measured(case, accuracies, answers.count(None), seconds)


def _plain(answer: Any) -> Any:
    return answer.asDict() if isinstance(answer, Row) else answer


def report(measured: Sequence[Measured]) -> None:
    """Print the table, what is gained over the majority first."""
    table = Table(box=None)
    for heading in ("function", "rows of", "over majority", "ours", "majority", "others", "rows",
                    "errors", "seconds"):  # fmt: skip
        table.add_column(heading, justify="left" if heading in ("function", "rows of") else "right")
    for one in measured:
        found = dict(one.accuracies)
        ours, majority = found.pop("ours"), found.pop("majority")
        others = ", ".join(f"{name} {value:.1%}" for name, value in found.items())
        table.add_row(one.case.function, one.case.name, f"{100 * (ours - majority):+.1f}",
                      f"{ours:.1%}", f"{majority:.1%}", others, str(len(one.case.rows)),
                      str(one.errors), f"{one.seconds:.1f}")  # fmt: skip
    console = Console(width=170)
    console.print(table)
    console.print(machine())


def records(measured: Sequence[Measured]) -> list[dict[str, object]]:
    """Return one flat record for each accuracy."""
    return [
        {
            "benchmark": "accuracy",
            "case": f"{one.case.function}: {one.case.name}, {len(one.case.rows)} rows",
            "system": system,
            "metric": "accuracy",
            "value": round(value, 4),
            "unit": "share",
        }
        for one in measured
        for system, value in one.accuracies.items()
    ]


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="has folders labelled and tables")
    parser.add_argument("--rows", type=int, default=_ROWS, help="most rows of a case")
    parser.add_argument("--model", help="Hugging Face id or local path (default: what ships)")
    parser.add_argument("--quick", action="store_true", help=f"{_QUICK_ROWS} rows of each case")
    parser.add_argument("--json", type=Path, help="write flat records here")
    args = parser.parse_args()
    rows = _QUICK_ROWS if args.quick else args.rows
    with tempfile.TemporaryDirectory(prefix="slm") as directory:
        spark = sparkllm.session(
            "local[2]",
            model=args.model,
            config={
                "spark.ui.enabled": "false",
                "spark.log.level": "ERROR",
                "spark.ui.showConsoleProgress": "false",
                "spark.sparkllm.engine.directory": directory,
            },
        )
        measured = [measure(spark, case) for case in cases(args.data, rows)]
        spark.stop()
    report(measured)
    if args.json:
        args.json.write_text(json.dumps(records(measured), indent=1) + "\n")


if __name__ == "__main__":
    main()
