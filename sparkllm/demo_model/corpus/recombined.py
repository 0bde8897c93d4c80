"""Texts of sentences from different reviews: more of them than anybody can write."""

import random
from collections.abc import Iterable, Iterator

from sparkllm.demo_model.corpus.row import Row, Sentiment
from sparkllm.demo_model.corpus.sources import sentences

_SIZES = (1, 2, 2, 3)
_ALIKE = 0.67
"""Share of the texts whose sentences come from reviews of one sentiment."""


def recombined(rows: Iterable[Row], count: int, chance: random.Random) -> Iterator[Row]:
    """Yield texts of one to three sentences of the rows; nobody said how they feel.

    Args:
        rows: reviews with a sentiment.
        count: how many texts.
        chance: draws.
    """
    pools: dict[Sentiment | None, list[str]] = {}
    source = ""
    for row in rows:
        source = row.source
        for sentence in sentences(row):
            pools.setdefault(row.sentiment, []).append(sentence.text)
    everything = [text for texts in pools.values() for text in texts]
    kinds = sorted(pools, key=str)
    for _ in range(count):
        pool = pools[chance.choice(kinds)] if chance.random() < _ALIKE else everything
        size = min(len(pool), chance.choice(_SIZES))
        yield Row(source, " ".join(chance.sample(pool, size)))
