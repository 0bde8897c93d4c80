"""How much of what: the mixture of examples the model learns from."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

from sparkllm.demo_model.corpus import sources
from sparkllm.demo_model.corpus.asking import Asker
from sparkllm.demo_model.corpus.example import Example
from sparkllm.demo_model.corpus.recombined import recombined
from sparkllm.demo_model.corpus.row import Row, Sentiment
from sparkllm.demo_model.corpus.sentence_features import principal, sentence_features
from sparkllm.demo_model.corpus.softening import softened
from sparkllm.demo_model.corpus.split import is_held_out
from sparkllm.demo_model.corpus.written import ReviewWriter

# Times each row is asked about. Rare sentiments of a shop are asked about more often.
_SHORT: tuple[tuple[Callable[[Path], Iterator[Row]], dict[Sentiment, float]], ...] = (
    (
        sources.reviews_of_this_project,
        {"positive": 2.2, "neutral": 2.2, "negative": 2.2},
    ),
    (sources.amazon_fine_food, {"positive": 1.0, "neutral": 2.0, "negative": 2.0}),
    (sources.uci_sentiment_sentences, {"positive": 2.5, "negative": 2.5}),
    (sources.goemotions, {"positive": 0.6, "neutral": 0.4, "negative": 0.8}),
)
_CLOTHING: dict[Sentiment, float] = {"positive": 0.25, "neutral": 0.5, "negative": 1.0}
_SENTENCES = 0.25
"""Share of the sentences of a shop's reviews that only teachers judge."""
_SENTENCE = 0.5
_RECOMBINED = 36_000
"""Texts of sentences from different reviews; only teachers judge them."""
_ONCE = 1.0
_FEATURES = 128
"""Directions of the encoder's features that the model is to find in a text, too."""
_LABELLED = {"snips": 0.4, "clinc150": 0.75, "banking77": 0.9}
_SPAM = 0.5
_PARTS: tuple[tuple[Callable[[Path], Iterator[Row]], float], ...] = (
    (lambda data: sources.labelled(data, "snips"), 1.6),
    (sources.restaurant8k, 0.3),
    (sources.wnut17, 0.5),
)
_TITLES: tuple[tuple[Callable[[Path], Iterator[Row]], str, float], ...] = (
    (sources.womens_clothing_reviews, "title", 0.06),
    (sources.amazon_fine_food, "summary", 0.4),
    (sources.reviews_of_this_project, "title", 0.2),
)
_FILMS = 0.35
_WRITTEN = 1_500
_WRITTEN_SHARES: dict[Sentiment, int] = {"positive": 45, "negative": 41, "neutral": 14}


def training_examples(
    data: Path,
    seed: int,
    share: float = 1.0,
    encoder: Path | None = None,
    features: Path | None = None,
) -> list[Example]:
    """Return the examples to learn from, in random order.

    Args:
        data: Folder with `labelled/` and `tables/`.
        seed: Decides every draw.
        share: Part of the full mixture, for quick runs.
        encoder: Folder of a pretrained encoder, for softer labels.
        features: File that keeps what the encoder said.
    """
    chance = random.Random(seed)
    mixture = _Mixture(data, chance, share)
    examples = [
        *mixture.sentiment(seed, encoder, features),
        *mixture.labels(),
        *mixture.parts(),
        *mixture.titles(),
        *mixture.films(),
        *mixture.written(),
    ]
    chance.shuffle(examples)
    return examples


class _Mixture:
    def __init__(self, data: Path, chance: random.Random, share: float) -> None:
        self._data, self._chance, self._share = data, chance, share
        self._ask = Asker(chance)

    def sentiment(
        self, seed: int, encoder: Path | None, features: Path | None
    ) -> Iterator[Example]:
        counted = [
            (row, times[row.sentiment])
            for read, times in _SHORT
            for row in _trainable(read(self._data))
            if row.sentiment is not None
        ]
        counted += [(row, _SENTENCE) for row in self._unlabelled()]
        written = [row for row, _ in counted if row.source == "written_reviews"]
        # The same ones for each seed: features are kept.
        counted += [(row, _ONCE) for row in recombined(written, _RECOMBINED, random.Random(0))]
        rows, weights = [row for row, _ in counted], [times for _, times in counted]
        seen = None
        if encoder is not None:
            seen = sentence_features([row.text for row in rows], encoder, features)
        judged = softened(rows, weights, seed, seen)
        if seen is not None:
            told = principal(seen, _FEATURES)
            judged = [
                replace(row, features=tuple(values))
                for row, values in zip(judged, told.tolist(), strict=True)
            ]
        soft = zip(judged, weights, strict=True)
        clothing = _trainable(sources.womens_clothing_reviews(self._data))
        shop = ((row, _CLOTHING[row.sentiment]) for row in clothing if row.sentiment)
        for row, times in chain(soft, shop):
            for _ in self._times(times):
                yield self._ask.about_sentiment(row)

    def _unlabelled(self) -> Iterator[Row]:
        chance = random.Random(0)  # the same ones for each seed: features are kept
        for review in _trainable(sources.womens_clothing_reviews(self._data)):
            for sentence in sources.sentences(review):
                if chance.random() < _SENTENCES:
                    yield sentence

    def labels(self) -> Iterator[Example]:
        for name, times in _LABELLED.items():
            rows = list(_trainable(sources.labelled(self._data, name)))
            labels = sorted({row.label for row in rows if row.label})
            for row in rows:
                for _ in self._times(times):
                    yield self._ask.about_label(row, labels)
        for row in _trainable(sources.labelled(self._data, "sms_spam")):
            for _ in self._times(_SPAM):
                yield self._ask.about_spam(row)

    def parts(self) -> Iterator[Example]:
        for read, times in _PARTS:
            rows = [row for row in _trainable(read(self._data)) if row.slots]
            names: dict[str | None, set[str]] = {}
            for row in rows:
                names.setdefault(row.label, set()).update(row.slots)
            for row in rows:
                for _ in self._times(times):
                    yield self._ask.about_parts(row, sorted(names[row.label]))

    def titles(self) -> Iterator[Example]:
        for read, field, times in _TITLES:
            for row in _trainable(read(self._data)):
                if row.fields.get(field):
                    for _ in self._times(times):
                        yield self._ask.about_title(row, field)

    def films(self) -> Iterator[Example]:
        rows = list(_trainable(sources.netflix_titles(self._data)))
        genres = sorted({name for row in rows for name in row.fields["listed_in"].split(", ")})
        for row in rows:
            for _ in self._times(_FILMS):
                yield self._ask.about_film(row, genres)

    def written(self) -> Iterator[Example]:
        writer = ReviewWriter(self._chance)
        for _ in range(round(_WRITTEN * self._share)):
            names, weights = tuple(_WRITTEN_SHARES), tuple(_WRITTEN_SHARES.values())
            sentiment = self._chance.choices(names, weights)[0]
            yield self._ask.about_sentiment(writer.write(sentiment))

    def _times(self, times: float) -> range:
        """Return as many turns as `times` says, a fraction of one with that probability."""
        times *= self._share
        return range(int(times) + (self._chance.random() < times % 1))


def _trainable(rows: Iterator[Row]) -> Iterator[Row]:
    return (row for row in rows if not is_held_out(row.text))
