"""The tasks of the evaluation, asked as a user would, on rows that are held out by their text."""

import json
import random
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import groupby
from pathlib import Path

from sparkllm.demo_model.corpus import questions, sources
from sparkllm.demo_model.corpus.example import Example
from sparkllm.demo_model.corpus.rendering import user_message
from sparkllm.demo_model.corpus.row import Row, Sentiment
from sparkllm.demo_model.corpus.split import is_held_out
from sparkllm.demo_model.evaluation.metrics import accuracy, slot_f1, word_f1, yes_f1
from sparkllm.tasks import Call
from sparkllm.tasks.answer_type import AnswerType

SENTIMENTS: tuple[Sentiment, ...] = ("positive", "negative", "neutral")
_STARS = ("1", "2", "3", "4", "5")


@dataclass(frozen=True, slots=True)
class EvaluationTask:
    """A task's held-out examples, and the texts and answers a baseline may learn from.

    `metric` is what counts, `goal` what it should reach, None where there is no goal.
    """

    name: str
    held_out: tuple[Example, ...]
    texts: tuple[str, ...]
    training_texts: tuple[str, ...]
    training_answers: tuple[str, ...]
    metric: Callable[[Sequence[str], Sequence[str]], float] = accuracy
    goal: float | None = None


def evaluation_tasks(data: Path) -> Iterator[EvaluationTask]:
    """Yield the tasks."""
    yield from _sentiment_tasks(data)
    yield from _label_tasks(data)
    yield from _free_tasks(data)


def _sentiment_tasks(data: Path) -> Iterator[EvaluationTask]:
    written = list(sources.reviews_of_this_project(data))
    products = [classify(row, "review", SENTIMENTS, row.sentiment) for row in product_reviews()]
    yield EvaluationTask(
        "product reviews: sentiment of 3",
        tuple(products),
        tuple(row.text for row in product_reviews()),
        tuple(row.text for row in written),
        tuple(str(row.sentiment) for row in written),
    )
    asked = ((row, classify(row, "review", SENTIMENTS, row.sentiment)) for row in written)
    yield _task("written reviews: sentiment of 3", asked)
    clothing = list(sources.womens_clothing_reviews(data))
    asked = ((row, classify(row, "review_text", SENTIMENTS, row.sentiment)) for row in clothing)
    yield _task("clothing reviews: sentiment of 3", asked)
    question = f"{questions.RECOMMEND_QUESTIONS[0]} Answer yes or no."
    asked = ((row, ask(row, "review_text", question, bool(row.recommended))) for row in clothing)
    yield _task("clothing reviews: recommended, yes/no", asked, goal=0.86)
    stars = questions.STAR_INSTRUCTIONS[0]
    asked = (
        (row, instruct(row, ("review_text",), stars, _STARS, str(row.stars))) for row in clothing
    )
    yield _task("clothing reviews: stars of 5", asked)
    food = sources.amazon_fine_food(data)
    asked = ((row, classify(row, "Text", SENTIMENTS, row.sentiment)) for row in food)
    yield _task("food reviews: sentiment of 3", asked)
    sentences = list(sources.uci_sentiment_sentences(data))
    asked = ((row, classify(row, "text", SENTIMENTS[:2], row.sentiment)) for row in sentences)
    yield _task("sentences: sentiment of 2", asked, goal=0.82)
    question = "Is this review positive? Answer yes or no."
    asked = ((row, ask(row, "text", question, row.sentiment == "positive")) for row in sentences)
    yield _task("sentences: is it positive, yes/no", asked)
    comments = sources.goemotions(data)
    asked = ((row, classify(row, "text", SENTIMENTS, row.sentiment)) for row in comments)
    yield _task("comments: sentiment of 3", asked, goal=0.65)


def _label_tasks(data: Path) -> Iterator[EvaluationTask]:
    spam = sources.labelled(data, "sms_spam")
    question = "Is this message spam? Answer yes or no."
    asked = ((row, ask(row, "text", question, row.label == "spam")) for row in spam)
    yield _task("messages: spam, F1 of yes", asked, metric=yes_f1, goal=0.90)
    for name, title, count, goal in (
        ("snips", "requests: intent of 7", 7, 0.95),
        ("clinc150", "assistant: intent of 10", 10, 0.90),
        ("banking77", "bank: intent of 10", 10, 0.85),
    ):
        yield _task(title, list(intents(data, name, count)), goal=goal)
    films = sources.netflix_titles(data)
    columns = ("title", "duration", "listed_in", "country", "text")
    question = "Is this a movie? Answer yes or no."
    asked = (
        (row, instruct(row, columns, question, ("yes", "no"), _yes(row.label == "Movie")))
        for row in films
    )
    yield _task("films: is it a movie, yes/no, 5 columns", asked)


def _free_tasks(data: Path) -> Iterator[EvaluationTask]:
    rows = list(sources.labelled(data, "snips"))
    names: dict[str | None, set[str]] = {}
    for row in rows:
        names.setdefault(row.label, set()).update(row.slots)
    asked = ((row, slots(row, sorted(names[row.label]))) for row in rows if row.slots)
    yield _task("requests: slots as JSON, F1", asked, metric=slot_f1, goal=0.75)
    reviews = [row for row in sources.womens_clothing_reviews(data) if row.fields.get("title")]
    instruction = questions.TITLE_INSTRUCTIONS[0]
    asked = (
        (row, instruct(row, ("review_text",), instruction, (), row.fields["title"]))
        for row in reviews
    )
    yield _task("clothing reviews: title, F1 of words", asked, metric=word_f1)


def product_reviews() -> Iterator[Row]:
    """Yield reviews of products of every kind, written for the evaluation only."""
    file = resources.files(__package__).joinpath("products.toml")
    reviews = tomllib.loads(file.read_text(encoding="utf-8"))
    for sentiment in SENTIMENTS:
        for text in reviews[sentiment]:
            yield Row("products", text, sentiment)


def intents(data: Path, name: str, count: int) -> Iterator[tuple[Row, Example]]:
    """Yield the rows of a labelled set, asked with `count` labels: the true one and random ones."""
    rows = list(sources.labelled(data, name))
    labels = sorted({str(row.label) for row in rows})
    chance = random.Random(0)
    for row in rows:
        others = [label for label in labels if label != row.label]
        choices = [str(row.label), *chance.sample(others, count - 1)]
        yield row, classify(row, "text", chance.sample(choices, count), row.label)


def classify(row: Row, column: str, labels: Sequence[str], answer: str | None) -> Example:
    """Return the task `classify` about the text of a row."""
    call = Call("classify", (column,), {"labels": list(labels)})
    pieces, choices = user_message(call, {column: row.text})
    return Example(row.source, pieces, str(answer), choices)


def ask(row: Row, column: str, question: str, holds: bool) -> Example:
    """Return a yes/no question about the text of a row."""
    return instruct(row, (column,), question, ("yes", "no"), _yes(holds))


def instruct(
    row: Row, columns: Sequence[str], instruction: str, choices: Sequence[str], answer: str
) -> Example:
    """Return an instruction about columns of a row; one that is none of its fields is the text."""
    values = {name: row.fields.get(name, row.text) for name in columns}
    options = {"labels": list(choices)} if choices else {}
    pieces, closed = user_message(Call(instruction, tuple(columns), options), values)
    return Example(row.source, pieces, answer, closed)


def slots(row: Row, names: Sequence[str]) -> Example:
    """Return the request for these slots as JSON, with the schema that a STRUCT of them has."""
    fields = [{"name": name, "type": "string", "nullable": True, "metadata": {}} for name in names]
    struct = AnswerType.from_json(json.dumps({"type": "struct", "fields": fields}))
    instruction = f"Extract {', '.join(names)} from the text as JSON."
    pieces, _ = user_message(Call(instruction, ("text",)), {"text": row.text})
    answer = json.dumps({name: row.slots.get(name) for name in names}, ensure_ascii=False)
    schema = struct.parameters()["json_schema"]
    return Example(row.source, pieces, answer, (), schema=schema)


def _task(
    name: str,
    asked: Iterable[tuple[Row, Example]],
    metric: Callable[[Sequence[str], Sequence[str]], float] = accuracy,
    goal: float | None = None,
) -> EvaluationTask:
    ordered = sorted(asked, key=lambda pair: is_held_out(pair[0].text))
    sides: Mapping[bool, list[tuple[Row, Example]]] = {
        side: list(pairs)
        for side, pairs in groupby(ordered, lambda pair: is_held_out(pair[0].text))
    }
    held_out, training = sides.get(True, []), sides.get(False, [])
    return EvaluationTask(
        name,
        tuple(example for _, example in held_out),
        tuple(row.text for row, _ in held_out),
        tuple(row.text for row, _ in training),
        tuple(example.answer for _, example in training),
        metric,
        goal,
    )


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"
