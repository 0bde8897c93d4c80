"""The labelled sets as rows. Only sets under CC0, CC BY, MIT or Apache-2.0 are read."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from sparkllm.demo_model.corpus.row import Row, Sentiment, sentiment_of_stars

_REVIEWS = Path(__file__).parent / "reviews"
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_POSITIVE_EMOTIONS = frozenset(
    (
        "admiration",
        "amusement",
        "approval",
        "caring",
        "excitement",
        "gratitude",
        "joy",
        "love",
        "optimism",
        "pride",
        "relief",
    )
)
_NEGATIVE_EMOTIONS = frozenset(
    (
        "anger",
        "annoyance",
        "disappointment",
        "disapproval",
        "disgust",
        "embarrassment",
        "fear",
        "grief",
        "nervousness",
        "remorse",
        "sadness",
    )
)


def reviews_of_this_project(_: Path) -> Iterator[Row]:
    """Yield reviews of all kinds of products, written one by one for this project (Apache-2.0)."""
    for file in sorted(_REVIEWS.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            stars, text = int(row.pop("stars")), row.pop("text")
            fields = {name: value for name, value in row.items() if value}
            yield Row("written_reviews", text, sentiment_of_stars(stars), stars, fields=fields)


def womens_clothing_reviews(data: Path) -> Iterator[Row]:
    """Yield the reviews of a clothing shop (CC0)."""
    for row in _table(data, "womens_clothing_reviews"):
        if not row["review_text"]:
            continue
        stars = int(row["rating"])
        fields = {
            "title": row["title"],
            "department": row["department_name"],
            "category": row["class_name"],
            "division_name": row["division_name"],
            "age": row["age"],
            "clothing_id": row["clothing_id"],
        }
        yield Row(
            "womens_clothing_reviews",
            row["review_text"],
            sentiment_of_stars(stars),
            stars,
            row["recommended_ind"] == "1",
            fields={name: value for name, value in fields.items() if value},
        )


def sentences(row: Row) -> Iterator[Row]:
    """Yield the sentences of a row's text, of 20 to 160 characters; nobody said how they feel."""
    for text in _SENTENCE_END.split(row.text):
        if 20 <= len(text) <= 160:
            yield Row(row.source, text)


def amazon_fine_food(data: Path) -> Iterator[Row]:
    """Yield food reviews (CC0)."""
    for row in _table(data, "amazon_fine_food_1k"):
        stars = int(row["Score"])
        yield Row(
            "amazon_fine_food_1k",
            row["Text"],
            sentiment_of_stars(stars),
            stars,
            fields={"summary": row["Summary"], "product_id": row["ProductId"]},
        )


def uci_sentiment_sentences(data: Path) -> Iterator[Row]:
    """Yield sentences about phones, films and restaurants, positive or negative (CC BY 4.0)."""
    for row in _lines(data, "uci_sentiment_sentences"):
        sentiment: Sentiment = "positive" if row["label"] == "positive" else "negative"
        yield Row("uci_sentiment_sentences", row["text"], sentiment)


def goemotions(data: Path) -> Iterator[Row]:
    """Yield comments whose emotions agree on one sentiment (Apache-2.0, CC BY 4.0)."""
    for row in _lines(data, "goemotions"):
        sentiment = sentiment_of_emotions(row["labels"])
        if sentiment is not None:
            yield Row("goemotions", row["text"], sentiment)


def sentiment_of_emotions(emotions: list[str]) -> Sentiment | None:
    """Return the sentiment a list of emotions agrees on; None when it does not, or has none."""
    positive = any(emotion in _POSITIVE_EMOTIONS for emotion in emotions)
    negative = any(emotion in _NEGATIVE_EMOTIONS for emotion in emotions)
    if positive != negative:
        return "positive" if positive else "negative"
    return "neutral" if emotions == ["neutral"] else None


def labelled(data: Path, name: str) -> Iterator[Row]:
    """Yield the rows of a set with one label each: snips, clinc150, banking77, sms_spam.

    Those of snips have slots, too; of several values of a slot it is the first.
    """
    for row in _lines(data, name):
        slots = {slot: values[0] for slot, values in row.get("slots", {}).items()}
        yield Row(name, row["text"], label=row["label"], slots=slots)


def restaurant8k(data: Path) -> Iterator[Row]:
    """Yield what guests say at a restaurant's telephone, with slots (CC BY 4.0)."""
    for row in _lines(data, "span_extraction"):
        if row["domain"] == "restaurant8k" and row["slots"]:
            yield Row("restaurant8k", row["text"], slots=row["slots"])


def wnut17(data: Path) -> Iterator[Row]:
    """Yield short messages with the first name of each kind in them (CC BY 4.0)."""
    for row in _lines(data, "wnut17_ner"):
        if row["entities"]:
            slots = {kind: names[0] for kind, names in row["entities"].items()}
            yield Row("wnut17_ner", row["text"], slots=slots)


def netflix_titles(data: Path) -> Iterator[Row]:
    """Yield films and series, of many columns; the text is the description (CC0)."""
    names = ("title", "director", "country", "release_year", "rating", "duration", "listed_in")
    for row in _table(data, "netflix_titles"):
        fields = {name: row[name] for name in names if row[name]}
        yield Row("netflix_titles", row["description"], label=row["type"], fields=fields)


def _lines(data: Path, name: str) -> Iterator[dict[str, Any]]:
    with gzip.open(data / "labelled" / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _table(data: Path, name: str) -> Iterator[dict[str, Any]]:
    yield from pq.read_table(data / "tables" / f"{name}.parquet").to_pylist()
