"""Changes of the prompt that should change no answer: the order of fields and of labels."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sparkllm.demo_model.corpus import questions, sources
from sparkllm.demo_model.corpus.example import Example
from sparkllm.demo_model.corpus.row import Row
from sparkllm.demo_model.corpus.split import is_held_out
from sparkllm.demo_model.evaluation.tasks import SENTIMENTS, classify, instruct, intents


@dataclass(frozen=True, slots=True)
class StabilityCheck:
    """Pairs of prompts that ask the same; at most the share `limit` may be answered differently."""

    name: str
    pairs: tuple[tuple[Example, Example], ...]
    limit: float


def stability_checks(data: Path, rows: int) -> Iterator[StabilityCheck]:
    """Yield the checks, each on at most `rows` held-out rows."""
    clothing = _held_out(sources.womens_clothing_reviews(data), rows)
    written = _held_out(sources.reviews_of_this_project(data), rows)
    films = _held_out(sources.netflix_titles(data), rows)
    recommend = f"{questions.RECOMMEND_QUESTIONS[0]} Answer yes or no."
    sentiment = questions.SENTIMENT_INSTRUCTIONS[1]
    yes_no = ("yes", "no")
    for name, asked, columns, instruction, choices in (
        ("recommended", clothing, ("review_text", "title", "department"), recommend, yes_no),
        ("sentiment", written, ("review", "product", "category"), sentiment, SENTIMENTS),
        ("movie", films, ("title", "text", "country", "duration"), "Is this a movie?", yes_no),
    ):
        pairs = _reordered(asked, columns, instruction, choices)
        yield StabilityCheck(f"order of fields: {name}", tuple(pairs), 0.03)
    sets: tuple[tuple[str, list[tuple[Row, Sequence[str]]]], ...] = (
        ("sentiment of 3", [(row, SENTIMENTS) for row in written]),
        ("intent of 7", _labelled(data, "snips", 7, rows)),
        ("intent of 10", _labelled(data, "clinc150", 10, rows)),
        ("bank intent of 10", _labelled(data, "banking77", 10, rows)),
    )
    for name, labelled in sets:
        yield StabilityCheck(f"order of labels: {name}", tuple(_shuffled(labelled)), 0.05)


def _reordered(
    rows: Sequence[Row], columns: Sequence[str], instruction: str, choices: Sequence[str]
) -> Iterator[tuple[Example, Example]]:
    chance = random.Random(1)
    for row in rows:
        if all(name in row.fields for name in columns[1:] if name != "text"):
            first = instruct(row, columns, instruction, choices, "")
            yield first, instruct(row, _another(columns, chance), instruction, choices, "")


def _shuffled(rows: Sequence[tuple[Row, Sequence[str]]]) -> Iterator[tuple[Example, Example]]:
    chance = random.Random(2)
    for row, labels in rows:
        yield classify(row, "text", labels, ""), classify(row, "text", _another(labels, chance), "")


def _another(items: Sequence[str], chance: random.Random) -> list[str]:
    """Return the items in another order."""
    while True:
        drawn = chance.sample(items, len(items))
        if drawn != list(items):
            return drawn


def _labelled(data: Path, name: str, count: int, rows: int) -> list[tuple[Row, Sequence[str]]]:
    asked = [
        (row, example.choices)
        for row, example in intents(data, name, count)
        if is_held_out(row.text)
    ]
    return random.Random(0).sample(asked, min(rows, len(asked)))


def _held_out(rows: Iterator[Row], count: int) -> list[Row]:
    kept = [row for row in rows if is_held_out(row.text)]
    return random.Random(0).sample(kept, min(count, len(kept)))
