"""All training examples as token ids in one file, made once and read by every run."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sparkllm.demo_model.prompting import Encoded

MOST_FIRSTS = 16
"""A larger closed set counts as a free answer."""


@dataclass(frozen=True, slots=True)
class PackedCorpus:
    """Examples behind one another.

    `tokens` is `[total]` uint16, `offsets` is `[examples + 1]`; `marks` is `[examples, 3]`: start
    and end of the row text and start of the answer, counted from the example's first token.
    `firsts` is `[examples, 16]` uint16, the tokens a closed set of answers can start with, padded
    with 0, and `shares` `[examples, 16]` float16 their probabilities; both are 0 where the answer
    is free. `given` is `[total]` bool, answer tokens that keys of a JSON object fix. `features` is
    `[examples, features]` float16, what an encoder sees in the row's text, 0 where it wasn't asked.
    """

    tokens: NDArray[np.uint16]
    offsets: NDArray[np.int64]
    marks: NDArray[np.int32]
    firsts: NDArray[np.uint16]
    shares: NDArray[np.float16]
    given: NDArray[np.bool_]
    features: NDArray[np.float16]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each example, `[examples]`."""
        return np.diff(self.offsets)

    def example(self, index: int) -> NDArray[np.uint16]:
        """Return the token ids of one example."""
        return self.tokens[self.offsets[index] : self.offsets[index + 1]]

    def judgements(self, others: float, seed: int) -> "PackedCorpus":
        """Return the examples that teachers were asked about, and a share of the others.

        Args:
            others: share of the examples with a sure or a free answer.
            seed: draws them.
        """
        drawn = np.random.default_rng(seed).random(len(self.shares)) < others
        top = self.shares.max(axis=1)
        kept = np.flatnonzero(((top > 0) & (top < 1)) | drawn)
        lengths = self.lengths
        inside = np.repeat(np.isin(np.arange(len(lengths)), kept), lengths)
        return PackedCorpus(
            self.tokens[inside],
            np.concatenate(([0], np.cumsum(lengths[kept], dtype=np.int64))),
            self.marks[kept],
            self.firsts[kept],
            self.shares[kept],
            self.given[inside],
            self.features[kept],
        )

    def save(self, path: Path) -> None:
        """Write the corpus as one compressed file."""
        np.savez_compressed(
            path, **{field.name: getattr(self, field.name) for field in fields(self)}
        )

    @classmethod
    def load(cls, path: Path) -> "PackedCorpus":
        """Read what `save` wrote."""
        with np.load(path) as arrays:
            return cls(**{field.name: arrays[field.name] for field in fields(cls)})


def pack(examples: Iterable[Encoded], longest: int) -> PackedCorpus:
    """Return the examples of at most `longest` tokens, packed."""
    kept = [example for example in examples if len(example.ids) <= longest]
    lengths = [len(example.ids) for example in kept]
    firsts = np.zeros((len(kept), MOST_FIRSTS), dtype=np.uint16)
    shares = np.zeros((len(kept), MOST_FIRSTS), dtype=np.float16)
    for place, example in enumerate(kept):
        if len(example.firsts) <= MOST_FIRSTS:
            for column, (token, share) in enumerate(example.firsts):
                firsts[place, column], shares[place, column] = token, share
    offsets = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
    given = np.zeros(offsets[-1], dtype=np.bool_)
    size = max((len(example.features) for example in kept), default=0)
    features = np.zeros((len(kept), size), dtype=np.float16)
    for place, example in enumerate(kept):
        given[offsets[place] + np.array(example.given, dtype=np.int64)] = True
        if example.features:
            features[place] = example.features
    return PackedCorpus(
        np.array([token for example in kept for token in example.ids], dtype=np.uint16),
        offsets,
        np.array([(e.fields_start, e.fields_end, e.answer_start) for e in kept], dtype=np.int32),
        firsts,
        shares,
        given,
        features,
    )
