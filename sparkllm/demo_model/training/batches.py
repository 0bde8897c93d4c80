"""Batches of examples of nearly equal length, so that little is padding."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from sparkllm.demo_model.corpus.packed import PackedCorpus

_NEIGHBOURS = 2048
"""Examples sorted by length at a time: batches are uniform and their order stays random."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Right-padded examples: `ids` is `[examples, tokens]` int64, `marks` `[examples, 3]`,
    `firsts` and `shares` `[examples, 16]` and `features` `[examples, features]` as in the corpus,
    `lengths` `[examples]`, `given` `[examples, tokens]` bool."""

    ids: torch.Tensor
    marks: torch.Tensor
    lengths: torch.Tensor
    firsts: torch.Tensor
    shares: torch.Tensor
    given: torch.Tensor
    features: torch.Tensor


def epoch_batches(
    corpus: PackedCorpus, seed: int, epoch: int, tokens: int, free_later: float = 0.0
) -> list[NDArray[np.int64]]:
    """Return the example numbers of each batch of an epoch; at most `tokens` with padding each.

    The order is random, but in the first epoch free answers come later by `free_later` of it: long
    ones drown what little a label says to a model that knows nothing yet.
    """
    lengths = corpus.lengths
    chance = np.random.default_rng((seed, epoch))
    place = chance.random(len(lengths))
    if epoch == 0:
        place += free_later * (corpus.shares.sum(axis=1) == 0)
    order = np.argsort(place, kind="stable")
    batches: list[NDArray[np.int64]] = []
    for start in range(0, len(order), _NEIGHBOURS):
        part = order[start : start + _NEIGHBOURS]
        cut = list(_cut(part[np.argsort(lengths[part], kind="stable")], lengths, tokens))
        batches += [cut[index] for index in chance.permutation(len(cut))]
    return batches


def _cut(
    ordered: NDArray[np.int64], lengths: NDArray[np.int64], tokens: int
) -> Iterator[NDArray[np.int64]]:
    start = 0
    for end in range(1, len(ordered) + 1):
        full = end == len(ordered) or (end + 1 - start) * lengths[ordered[end]] > tokens
        if full:
            yield ordered[start:end]
            start = end


def collate(corpus: PackedCorpus, indices: NDArray[np.int64], pad: int) -> Batch:
    """Return the examples as tensors."""
    lengths = corpus.lengths[indices]
    ids = np.full((len(indices), int(lengths.max())), pad, dtype=np.int64)
    given = np.zeros(ids.shape, dtype=np.bool_)
    for place, index in enumerate(indices):
        ids[place, : lengths[place]] = corpus.example(int(index))
        start, end = corpus.offsets[index : index + 2]
        given[place, : lengths[place]] = corpus.given[start:end]
    return Batch(
        torch.from_numpy(ids),
        torch.from_numpy(corpus.marks[indices].astype(np.int64)),
        torch.from_numpy(lengths),
        torch.from_numpy(corpus.firsts[indices].astype(np.int64)),
        torch.from_numpy(corpus.shares[indices].astype(np.float32)),
        torch.from_numpy(given),
        torch.from_numpy(corpus.features[indices].astype(np.float32)),
    )
