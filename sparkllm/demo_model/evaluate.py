"""Measure the model on held-out rows: `python -m sparkllm.demo_model.evaluate --data DIR`."""

import argparse
import json
import random
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sparkllm.demo_model import path
from sparkllm.demo_model.evaluation import EvaluationTask, Scorer, evaluation_tasks
from sparkllm.demo_model.evaluation.baselines import (
    accuracy,
    balanced_accuracy,
    linear_answers,
    majority_answers,
)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with labelled/, tables/")
    parser.add_argument("--model", type=Path, default=path(), help="default: the one that ships")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--rows", type=int, default=1500, help="at most so many rows a task")
    parser.add_argument("--json", type=Path, help="write flat records here")
    arguments = parser.parse_args()
    scorer = Scorer(arguments.model, arguments.device)
    table = Table(title="Held-out rows, constrained to the answers of the task")
    for column in ("task", "rows", "model", "balanced", "majority", "TF-IDF + LR", "balanced"):
        table.add_column(column, justify="left" if column == "task" else "right")
    records = []
    for task in evaluation_tasks(arguments.data):
        measured = measure(scorer, task, arguments.rows)
        table.add_row(task.name, *(_cell(value) for value in measured.values()))
        records += [
            {"benchmark": "demo_model", "case": task.name, "system": system, "value": value}
            for system, value in measured.items()
        ]
    Console(width=100).print(table)
    if arguments.json:
        arguments.json.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")


def measure(scorer: Scorer, task: EvaluationTask, rows: int) -> dict[str, float | None]:
    """Return the number of rows and the accuracies of the model and of the baselines."""
    truth = [example.answer for example in task.held_out]
    asked = random.Random(0).sample(task.held_out, min(rows, len(task.held_out)))
    expected = [example.answer for example in asked]
    ours = scorer.answers(asked)
    linear = linear_answers(task)
    return {
        "rows": len(ours),
        "ours": accuracy(ours, expected),
        "ours, balanced": balanced_accuracy(ours, expected),
        "majority": accuracy(majority_answers(task), truth),
        "linear": None if linear is None else accuracy(linear, truth),
        "linear, balanced": None if linear is None else balanced_accuracy(linear, truth),
    }


def _cell(value: float | None) -> str:
    if value is None:
        return "-"
    return str(value) if isinstance(value, int) else f"{value:.3f}"


if __name__ == "__main__":
    main()
