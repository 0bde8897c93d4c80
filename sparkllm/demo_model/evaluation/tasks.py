"""The tasks of the evaluation, asked as a user would: one column, labels in their usual order."""

import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from sparkllm.demo_model.corpus import questions, sources
from sparkllm.demo_model.corpus.example import Example
from sparkllm.demo_model.corpus.rendering import user_message
from sparkllm.demo_model.corpus.row import Row, Sentiment
from sparkllm.demo_model.corpus.split import is_held_out
from sparkllm.tasks import Call

_SENTIMENTS: tuple[Sentiment, ...] = ("positive", "negative", "neutral")


@dataclass(frozen=True, slots=True)
class EvaluationTask:
    """A task's held-out examples, and the texts and answers a baseline may learn from."""

    name: str
    held_out: tuple[Example, ...]
    texts: tuple[str, ...]
    training_texts: tuple[str, ...]
    training_answers: tuple[str, ...]


def evaluation_tasks(data: Path) -> Iterator[EvaluationTask]:
    """Yield the tasks. Rows are held out by hash; the model never saw them."""
    clothing = list(sources.womens_clothing_reviews(data))
    food = list(sources.amazon_fine_food(data))
    sentences = list(sources.uci_sentiment_sentences(data))
    spam = list(sources.labelled(data, "sms_spam"))
    intents = list(sources.labelled(data, "snips"))
    names = sorted({str(row.label) for row in intents})
    standard = list(questions.STANDARD.values())
    recommend = questions.RECOMMEND_QUESTIONS[0]
    products = [_classify(row, "review", standard, row.sentiment) for row in product_reviews()]
    yield EvaluationTask(
        "product reviews: sentiment of 3",
        tuple(products),
        tuple(row.text for row in product_reviews()),
        tuple(row.text for row in clothing),
        tuple(str(row.sentiment) for row in clothing),
    )
    yield _task(
        "clothing reviews: sentiment of 3",
        [(row, _classify(row, "review_text", standard, row.sentiment)) for row in clothing],
    )
    yield _task(
        "clothing reviews: recommended, yes/no",
        [(row, _ask(row, "review_text", recommend, bool(row.recommended))) for row in clothing],
    )
    yield _task(
        "food reviews: sentiment of 3",
        [(row, _classify(row, "Text", standard, row.sentiment)) for row in food],
    )
    yield _task(
        "sentences: sentiment of 2",
        [(row, _classify(row, "text", standard[:2], row.sentiment)) for row in sentences],
    )
    yield _task(
        "sentences: is it positive, yes/no",
        [
            (row, _ask(row, "text", "Is this review positive?", row.sentiment == "positive"))
            for row in sentences
        ],
    )
    yield _task(
        "comments: sentiment of 3",
        [
            (row, _classify(row, "text", standard, row.sentiment))
            for row in sources.goemotions(data)
        ],
    )
    yield _task(
        "messages: spam, yes/no",
        [(row, _ask(row, "text", "Is this message spam?", row.label == "spam")) for row in spam],
    )
    yield _task(
        "requests: intent of 7",
        [(row, _classify(row, "text", names, row.label)) for row in intents],
    )


def product_reviews() -> Iterator[Row]:
    """Yield reviews of products of every kind, written for the evaluation only."""
    file = resources.files(__package__).joinpath("products.toml")
    reviews = tomllib.loads(file.read_text(encoding="utf-8"))
    for sentiment in _SENTIMENTS:
        for text in reviews[sentiment]:
            yield Row("products", text, sentiment)


def _task(name: str, asked: Iterable[tuple[Row, Example]]) -> EvaluationTask:
    held_out: list[tuple[Row, Example]] = []
    training: list[tuple[Row, Example]] = []
    for row, example in asked:
        (held_out if is_held_out(row.text) else training).append((row, example))
    return EvaluationTask(
        name,
        tuple(example for _, example in held_out),
        tuple(row.text for row, _ in held_out),
        tuple(row.text for row, _ in training),
        tuple(example.answer for _, example in training),
    )


def _classify(row: Row, column: str, labels: list[str], answer: str | None) -> Example:
    call = Call("classify", (column,), {"labels": labels})
    pieces, choices = user_message(call, {column: row.text})
    return Example(row.source, pieces, str(answer), choices)


def _ask(row: Row, column: str, question: str, holds: bool) -> Example:
    call = Call(f"{question} Answer yes or no.", (column,), {"labels": ["yes", "no"]})
    pieces, choices = user_message(call, {column: row.text})
    return Example(row.source, pieces, "yes" if holds else "no", choices)
