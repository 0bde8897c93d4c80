"""All training examples as token ids in one file, made once and read by every run."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sparkllm.demo_model.prompting import Encoded


@dataclass(frozen=True, slots=True)
class PackedCorpus:
    """Examples behind one another.

    `tokens` is `[total]` uint16, `offsets` is `[examples + 1]`; `marks` is `[examples, 3]`: start
    and end of the row text and start of the answer, counted from the example's first token.
    """

    tokens: NDArray[np.uint16]
    offsets: NDArray[np.int64]
    marks: NDArray[np.int32]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each example, `[examples]`."""
        return np.diff(self.offsets)

    def example(self, index: int) -> NDArray[np.uint16]:
        """Return the token ids of one example."""
        return self.tokens[self.offsets[index] : self.offsets[index + 1]]

    def save(self, path: Path) -> None:
        """Write the corpus as one compressed file."""
        np.savez_compressed(path, tokens=self.tokens, offsets=self.offsets, marks=self.marks)

    @classmethod
    def load(cls, path: Path) -> "PackedCorpus":
        """Read what `save` wrote."""
        with np.load(path) as arrays:
            return cls(arrays["tokens"], arrays["offsets"], arrays["marks"])


def pack(examples: Iterable[Encoded], longest: int) -> PackedCorpus:
    """Return the examples of at most `longest` tokens, packed."""
    kept = [example for example in examples if len(example.ids) <= longest]
    lengths = [len(example.ids) for example in kept]
    return PackedCorpus(
        np.array([token for example in kept for token in example.ids], dtype=np.uint16),
        np.concatenate(([0], np.cumsum(lengths, dtype=np.int64))),
        np.array([(e.fields_start, e.fields_end, e.answer_start) for e in kept], dtype=np.int32),
    )
