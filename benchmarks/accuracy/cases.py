"""Labelled rows, and the call of a function that each set is for."""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from sparkllm.demo_model.corpus import sources
from sparkllm.demo_model.corpus.row import Row
from sparkllm.demo_model.corpus.split import is_held_out

_KIDS = "Is this movie suitable for kids?"
_STATISTICS = "Is this post about statistics?"
_SPAM = "Is this message spam?"
_MODELS_OF_THE_PAPER = ("gpt4o", "llama3-70b", "llama3-8b")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A row: its columns, the right answer, and the answers of other systems that come with it."""

    columns: Mapping[str, str]
    truth: Any
    others: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """A function on a set.

    Attributes:
        name: of the set.
        call: in SQL, over the columns of its rows.
        rows: held out from the training of the model that ships.
        majority: the commonest answer of rows that are not among them, if there are any.
    """

    name: str
    call: str
    rows: list[Labelled]
    majority: Any

    @property
    def function(self) -> str:
        """The function that is called."""
        return self.call.partition("(")[0]


def cases(data: Path, most: int) -> Iterator[Case]:
    """Yield the cases, each with at most `most` rows, drawn with a fixed seed."""
    yield _of_the_paper(
        data, "paper_movies_labelled", ("reviewcontent", "movieinfo", "genres"), _KIDS, most
    )
    yield _of_the_paper(data, "paper_posts_labelled", ("Text", "Body"), _STATISTICS, most)
    yield _freshness(data, most)
    spam = sources.labelled(data, "sms_spam")
    yield _of_texts(
        "sms_spam", f"llm_filter('{_SPAM}', text)", spam, lambda row: row.label == "spam", most
    )
    sentences = sources.uci_sentiment_sentences(data)
    two = "llm_classify(text, array('positive', 'negative'))"
    yield _of_texts("uci_sentiment_sentences", two, sentences, _sentiment, most)
    comments = sources.goemotions(data)
    yield _of_texts("goemotions", "llm_sentiment(text)", comments, _sentiment, most)
    clothes = sources.womens_clothing_reviews(data)
    yield _of_texts("womens_clothing_reviews", "llm_sentiment(text)", clothes, _sentiment, most)
    for name, labels in (("snips", 7), ("clinc150", 10), ("banking77", 10)):
        yield _intents(data, name, labels, most)
    yield from _slots(data, most)


def _sentiment(row: Row) -> Any:
    return row.sentiment


def _of_texts(
    name: str, call: str, rows: Iterable[Row], truth: Callable[[Row], Any], most: int
) -> Case:
    held_out, seen = [], []
    for row in rows:
        (held_out if is_held_out(row.text) else seen).append(row)
    labelled = [Labelled({"text": row.text}, truth(row)) for row in held_out]
    return Case(name, call, _drawn(labelled, most), _commonest(map(truth, seen)))


def _of_the_paper(
    data: Path, name: str, columns: tuple[str, ...], question: str, most: int
) -> Case:
    """A table of the paper (no row of which any training saw), with the answers that it reports."""
    rows = [
        Labelled(
            {column: row[column] for column in columns},
            row["manual_labels"] == "YES",
            {model: row[model] == "YES" for model in _MODELS_OF_THE_PAPER},
        )
        for row in pq.read_table(data / "tables" / f"{name}.parquet").to_pylist()
    ]
    call = f"llm_filter('{question}', {', '.join(columns)}, overflow => 'truncate')"
    return Case(name, call, _drawn(rows, most), _commonest(row.truth for row in rows))


def _freshness(data: Path, most: int) -> Case:
    """Whether the critics of the paper's table liked the film, from what they wrote."""
    file = data / "tables" / "paper_movies_labelled.parquet"
    words = {"Fresh": "positive", "Rotten": "negative"}
    rows = [
        Labelled({"review": row["reviewcontent"]}, words[row["reviewtype"]])
        for row in pq.read_table(file).to_pylist()
    ]
    call = "llm_classify(review, array('positive', 'negative'))"
    majority = _commonest(row.truth for row in rows)
    return Case("paper_movies_labelled: critics", call, _drawn(rows, most), majority)


def _intents(data: Path, name: str, count: int, most: int) -> Case:
    """The rows with one of the commonest labels of a set, which are all labels of the call."""
    rows = list(sources.labelled(data, name))
    known = Counter(str(row.label) for row in rows)
    labels = sorted(label for label, _ in known.most_common(count))
    call = f"llm_classify(text, array({', '.join(map(repr, labels))}))"
    of_them = (row for row in rows if row.label in labels)
    return _of_texts(f"{name}, {count} labels", call, of_them, lambda row: row.label, most)


def _slots(data: Path, most: int) -> Iterator[Case]:
    """The requests of two intents of snips, with the parts that one of them may name."""
    rows = [row for row in sources.labelled(data, "snips") if row.slots]
    for intent in ("RateBook", "PlayMusic"):
        of_it = [row for row in rows if row.label == intent]
        names = sorted({name for row in of_it for name in row.slots})
        call = f"llm_extract(text, array({', '.join(map(repr, names))}))"

        def truth(row: Row, names: list[str] = names) -> dict[str, str | None]:
            return {name: row.slots.get(name) for name in names}

        case = _of_texts(f"snips: {intent}", call, of_it, truth, most)
        nothing: dict[str, str | None] = dict.fromkeys(names)
        yield Case(case.name, call, case.rows, nothing)


def _drawn(rows: list[Labelled], most: int) -> list[Labelled]:
    return random.Random(0).sample(rows, min(most, len(rows)))


def _commonest(answers: Iterable[Any]) -> Any:
    counted = Counter(map(repr, given := list(answers)))
    wanted = counted.most_common(1)[0][0]
    return next(answer for answer in given if repr(answer) == wanted)
