"""Measure the model on held-out rows: `python -m sparkllm.demo_model.evaluate --data DIR`."""

import argparse
import json
import random
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sparkllm.demo_model import path
from sparkllm.demo_model.evaluation import (
    Answerer,
    EvaluationTask,
    StabilityCheck,
    evaluation_tasks,
    stability_checks,
)
from sparkllm.demo_model.evaluation.baselines import linear_answers, majority_answers
from sparkllm.demo_model.evaluation.metrics import balanced_accuracy, valid_json


@dataclass(frozen=True, slots=True)
class Measured:
    """What one task gave: the task's own metric, balanced accuracies, and its goal."""

    rows: int
    model: float
    balanced: float | None = None
    majority: float | None = None
    linear: float | None = None
    linear_balanced: float | None = None
    goal: float | None = None
    valid: float | None = None


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with labelled/, tables/")
    parser.add_argument("--model", type=Path, default=path(), help="default: the one that ships")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=0, help="default: all cores")
    parser.add_argument("--rows", type=int, default=1500, help="at most so many rows a task")
    parser.add_argument("--only", default="", help="only tasks with this in their name")
    parser.add_argument("--no-baselines", action="store_true", help="the model alone")
    parser.add_argument("--json", type=Path, help="write flat records here")
    arguments = parser.parse_args()
    answerer = Answerer(arguments.model, arguments.device, arguments.threads)
    measured = {
        task.name: measure(answerer, task, arguments.rows, baselines=not arguments.no_baselines)
        for task in evaluation_tasks(arguments.data)
        if arguments.only in task.name
    }
    changed = {
        check: changed_answers(answerer, check)
        for check in stability_checks(arguments.data, arguments.rows)
        if arguments.only in check.name
    }
    console = Console(width=110)
    console.print(_accuracies(measured))
    for name, found in measured.items():
        if found.valid is not None:
            console.print(f"{name}: {found.valid:.1%} of the answers are valid JSON")
    console.print(_changes(changed))
    if arguments.json:
        arguments.json.write_text(
            json.dumps(_records(measured, changed), indent=1) + "\n", encoding="utf-8"
        )


def measure(
    answerer: Answerer, task: EvaluationTask, rows: int, *, baselines: bool = True
) -> Measured:
    """Return how well the model and the baselines do on at most `rows` held-out examples."""
    drawn = random.Random(0).sample(range(len(task.held_out)), min(rows, len(task.held_out)))
    asked = [task.held_out[place] for place in drawn]
    truth = [example.answer for example in asked]
    ours = answerer.answers(asked)
    model = task.metric(ours, truth)
    if not asked[0].choices:
        valid = valid_json(ours) if asked[0].schema else None
        return Measured(len(asked), model, goal=task.goal, valid=valid)
    commonest = linear = None
    if baselines:
        commonest, linear = majority_answers(task), linear_answers(task)
    chosen = None if linear is None else [linear[place] for place in drawn]
    return Measured(
        len(asked),
        model,
        balanced_accuracy(ours, truth),
        None if commonest is None else task.metric([commonest[place] for place in drawn], truth),
        None if chosen is None else task.metric(chosen, truth),
        None if chosen is None else balanced_accuracy(chosen, truth),
        task.goal,
    )


def changed_answers(answerer: Answerer, check: StabilityCheck) -> float:
    """Return the share of pairs that are answered differently."""
    first = answerer.answers([one for one, _ in check.pairs])
    second = answerer.answers([other for _, other in check.pairs])
    return sum(a != b for a, b in zip(first, second, strict=True)) / len(check.pairs)


def _accuracies(measured: dict[str, Measured]) -> Table:
    table = Table(title="Held-out rows, through the product's prompts and engine")
    heads = ("rows", "model", "balanced", "majority", "TF-IDF + LR", "balanced", "goal")
    table.add_column("task")
    for head in heads:
        table.add_column(head, justify="right")
    for name, found in measured.items():
        cells: Sequence[float | None] = (
            found.model,
            found.balanced,
            found.majority,
            found.linear,
            found.linear_balanced,
            found.goal,
        )
        table.add_row(name, str(found.rows), *map(_cell, cells))
    return table


def _changes(changed: dict[StabilityCheck, float]) -> Table:
    table = Table(title="Answers that change with the order of fields or labels")
    for head in ("check", "pairs", "changed", "at most"):
        table.add_column(head, justify="left" if head == "check" else "right")
    for check, share in changed.items():
        table.add_row(check.name, str(len(check.pairs)), _cell(share), _cell(check.limit))
    return table


def _records(
    measured: dict[str, Measured], changed: dict[StabilityCheck, float]
) -> list[dict[str, object]]:
    records: list[dict[str, object]] = [
        {"benchmark": "demo_model", "case": name, "system": system, "value": value}
        for name, found in measured.items()
        for system, value in asdict(found).items()
        if value is not None
    ]
    records += [
        {"benchmark": "demo_model", "case": check.name, "system": "changed", "value": share}
        for check, share in changed.items()
    ]
    return records


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


if __name__ == "__main__":
    main()
