"""All training examples as token ids in one file, made once and read by every run."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sparkllm.demo_model.prompting import Encoded

_MOST_BELIEFS = 5


@dataclass(frozen=True, slots=True)
class PackedCorpus:
    """Examples behind one another.

    `tokens` is `[total]` uint16, `offsets` is `[examples + 1]`; `marks` is `[examples, 3]`: start
    and end of the row text and start of the answer, counted from the example's first token.
    `believed` is `[examples, 5]` uint16, tokens that may stand first in the answer, and `beliefs`
    `[examples, 5]` float16 their probabilities, all 0 where the answer is certain.
    """

    tokens: NDArray[np.uint16]
    offsets: NDArray[np.int64]
    marks: NDArray[np.int32]
    believed: NDArray[np.uint16]
    beliefs: NDArray[np.float16]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each example, `[examples]`."""
        return np.diff(self.offsets)

    def example(self, index: int) -> NDArray[np.uint16]:
        """Return the token ids of one example."""
        return self.tokens[self.offsets[index] : self.offsets[index + 1]]

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
    believed = np.zeros((len(kept), _MOST_BELIEFS), dtype=np.uint16)
    beliefs = np.zeros((len(kept), _MOST_BELIEFS), dtype=np.float16)
    for place, example in enumerate(kept):
        for column, (token, share) in enumerate(example.beliefs[:_MOST_BELIEFS]):
            believed[place, column], beliefs[place, column] = token, share
    return PackedCorpus(
        np.array([token for example in kept for token in example.ids], dtype=np.uint16),
        np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))),
        np.array([(e.fields_start, e.fields_end, e.answer_start) for e in kept], dtype=np.int32),
        believed,
        beliefs,
    )
