"""What is asked: prompts by length and by what they share."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from transformers import AutoTokenizer

from sparkllm_engine.tokenization import PromptTokenizer

_LABELS = ("positive", "negative", "neutral", "not about the product", "no review at all")


@dataclass(frozen=True, slots=True)
class Workload:
    """Rows in groups that share a prefix. Lengths are in tokens.

    Attributes:
        name: as in the table.
        groups: shared prefixes.
        rows: of each group.
        shared: length of the prefix.
        own: tokens of a row alone.
        output: tokens of every answer; 0 for a label.
    """

    name: str
    groups: int
    rows: int
    shared: int
    own: int
    output: int

    @property
    def choices(self) -> tuple[str, ...]:
        """The labels, none for free answers."""
        return () if self.output else _LABELS

    def quick(self) -> "Workload":
        """Return a small version."""
        groups, rows = min(self.groups, 4), min(self.rows, 8)
        return replace(self, groups=groups, rows=rows, shared=self.shared // 8, own=self.own // 4)

    def repeated(self, rows: int) -> "Workload":
        """Return the same with so many rows in all, for how work grows with them."""
        return replace(self, name=f"{self.name}, {rows:,} rows", rows=rows // self.groups)


WORKLOADS = (
    Workload("(a) short answers", 10, 40, 200, 60, 4),
    Workload("(b) labels", 10, 40, 200, 60, 0),
    Workload("(c) long shared prefix", 16, 16, 1024, 128, 64),
    Workload("(d) nothing shared", 1, 64, 0, 256, 64),
    Workload("(e) long rows", 1, 8, 0, 4096, 8),
)


@dataclass(frozen=True, slots=True)
class Prompts:
    """The rows of a workload, as our engine takes them and as token ids for the others."""

    texts: list[tuple[str, ...]]
    ids: list[list[int]]


def make_prompts(workload: Workload, folder: Path) -> Prompts:
    """Return the prompts, made of words that are one token each."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    words = _words(tokenizer)
    random = np.random.default_rng(7)
    texts = []
    for _ in range(workload.groups):
        shared = "".join(random.choice(words, workload.shared))
        for _ in range(workload.rows):
            texts.append((shared, "".join(random.choice(words, workload.own))))
    encoded = PromptTokenizer(tokenizer).encode_prompts(texts)
    return Prompts(texts, [list(map(int, ids)) for ids in _good(encoded)])


def _good(encoded: list[object]) -> Iterator[np.ndarray]:
    for ids in encoded:
        assert isinstance(ids, np.ndarray), ids
        yield ids


def _words(tokenizer: object) -> list[str]:
    vocabulary: dict[str, int] = tokenizer.get_vocab()  # type: ignore[attr-defined]
    candidates = sorted(f" {token[1:]}" for token in vocabulary if token[0] == "Ġ")
    encode = tokenizer.encode  # type: ignore[attr-defined]
    return [
        word
        for word in candidates
        if word[1:].isalpha() and len(encode(word, add_special_tokens=False)) == 1
    ]
