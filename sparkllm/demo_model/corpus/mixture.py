"""How much of what: the mixture of examples the model learns from."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path

from sparkllm.demo_model.corpus import sources
from sparkllm.demo_model.corpus.asking import Asker
from sparkllm.demo_model.corpus.example import Example
from sparkllm.demo_model.corpus.row import Row, Sentiment
from sparkllm.demo_model.corpus.softening import Softener
from sparkllm.demo_model.corpus.split import is_held_out
from sparkllm.demo_model.corpus.written import ReviewWriter

# Times each row is asked about. Rare sentiments of a shop are asked about more often.
_CLOTHING: dict[Sentiment, float] = {"positive": 0.4, "neutral": 0.7, "negative": 1.5}
_FOOD: dict[Sentiment, float] = {"positive": 2.0, "neutral": 3.0, "negative": 6.0}
_WRITTEN_REVIEWS: dict[Sentiment, float] = {"positive": 3.0, "neutral": 2.2, "negative": 3.0}
_SENTENCES = 4.0
_EMOTIONS: dict[Sentiment, float] = {"positive": 0.5, "neutral": 0.2, "negative": 0.7}
_LABELLED = {"snips": 0.2, "banking77": 0.2}
_SPAM = 0.4
_WRITTEN = 6_000
_WRITTEN_SHARES: dict[Sentiment, int] = {"positive": 45, "negative": 41, "neutral": 14}


def training_examples(data: Path, seed: int, share: float = 1.0) -> list[Example]:
    """Return the examples to learn from, in random order.

    Args:
        data: Folder with `labelled/` and `tables/`.
        seed: Decides every draw.
        share: Part of the full mixture, for quick runs.
    """
    chance = random.Random(seed)
    ask = Asker(chance)
    examples = list(_sentiment(data, ask, chance, share, seed))
    examples += _labels(data, ask, chance, share)
    writer = ReviewWriter(chance)
    for _ in range(round(_WRITTEN * share)):
        sentiment = chance.choices(tuple(_WRITTEN_SHARES), tuple(_WRITTEN_SHARES.values()))[0]
        examples.append(ask.about_sentiment(writer.write(sentiment)))
    chance.shuffle(examples)
    return examples


def _sentiment(
    data: Path, ask: Asker, chance: random.Random, share: float, seed: int
) -> Iterator[Example]:
    sets: tuple[tuple[Callable[[Path], Iterator[Row]], dict[Sentiment, float]], ...] = (
        (sources.reviews_of_this_project, _WRITTEN_REVIEWS),
        (sources.womens_clothing_reviews, _CLOTHING),
        (sources.amazon_fine_food, _FOOD),
        (sources.uci_sentiment_sentences, {"positive": _SENTENCES, "negative": _SENTENCES}),
        (sources.goemotions, _EMOTIONS),
    )
    counted = [
        (row, times[row.sentiment])
        for read, times in sets
        for row in _trainable(read(data))
        if row.sentiment is not None
    ]
    soften = Softener([row for row, _ in counted], [times for _, times in counted], seed)
    for row, times in counted:
        for _ in range(_rounded(times * share, chance)):
            yield ask.about_sentiment(soften.draw(row, chance))


def _labels(data: Path, ask: Asker, chance: random.Random, share: float) -> Iterator[Example]:
    for name, times in _LABELLED.items():
        rows = list(_trainable(sources.labelled(data, name)))
        labels = sorted({row.label for row in rows if row.label})
        for row in rows:
            for _ in range(_rounded(times * share, chance)):
                yield ask.about_label(row, labels)
    for row in _trainable(sources.labelled(data, "sms_spam")):
        for _ in range(_rounded(_SPAM * share, chance)):
            yield ask.about_spam(row)


def _trainable(rows: Iterator[Row]) -> Iterator[Row]:
    return (row for row in rows if not is_held_out(row.text))


def _rounded(times: float, chance: random.Random) -> int:
    return int(times) + (chance.random() < times % 1)
