"""The chunks of one step as rows of the model, and which sequences want which logits."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from sparkllm_engine.decoding import ChoiceTree
from sparkllm_engine.model import DISCARD_SLOT, LogitRequest, PackedRow
from sparkllm_engine.scheduling import Chunk, Sequence


@dataclass(frozen=True, slots=True)
class Step:
    """What one forward pass computes, and for whom.

    Attributes:
        rows: one for each chunk.
        generating: sequences that get their next token; their logits are the first request, if any.
        scored: sequences by closed answer set; one request each, in order.
        requests: the logits wanted.
    """

    rows: list[PackedRow]
    generating: list[Sequence]
    scored: list[tuple[ChoiceTree, list[Sequence]]]
    requests: list[LogitRequest]


def build_step(chunks: Iterable[Chunk], scratch: range) -> Step:
    """Lay out the chunks; tails of answer sets get slots of `scratch`, which live for the step."""
    rows: list[PackedRow] = []
    generating: list[Sequence] = []
    last_tokens: list[int] = []
    scored: dict[ChoiceTree, tuple[list[Sequence], list[int]]] = {}
    first = 0
    for chunk in chunks:
        sequence = chunk.sequence
        last = first + chunk.count - 1
        tree = sequence.tree if chunk.scored else None
        row = _row(chunk, scratch)
        if tree is not None:
            scratch = scratch[len(tree.tail) :]
            sequences, sources = scored.setdefault(tree, ([], []))
            sequences.append(sequence)
            sources.extend(last + 1 + branch.source for branch in tree.branches)
        elif chunk.start + chunk.count == sequence.known:
            generating.append(sequence)
            last_tokens.append(last)
        rows.append(row)
        first += row.length
    requests = [LogitRequest(np.array(last_tokens, np.int64), None)] if generating else []
    requests += [
        LogitRequest(np.array(sources, np.int64), tree.token_ids)
        for tree, (_, sources) in scored.items()
    ]
    return Step(rows, generating, [(tree, s) for tree, (s, _) in scored.items()], requests)


def _row(chunk: Chunk, scratch: range) -> PackedRow:
    sequence, start, stop = chunk.sequence, chunk.start, chunk.start + chunk.count
    token_ids = sequence.tokens[start:stop]
    positions = np.arange(start, stop)
    keys = sequence.slots[:stop]
    writes = np.full(chunk.count, DISCARD_SLOT, np.int32) if chunk.discard else keys[start:]
    visible = None
    tree = sequence.tree
    if chunk.scored and tree is not None and len(tree.tail):
        tail_slots = np.arange(scratch.start, scratch.start + len(tree.tail), dtype=np.int32)
        token_ids = np.concatenate((token_ids, tree.tail))
        positions = np.concatenate((positions, stop - 1 + tree.depths))
        keys = np.concatenate((keys, tail_slots))
        writes = np.concatenate((writes, tail_slots))
        visible = tree.visible
    return PackedRow(token_ids, positions, writes, keys, _past_runs(sequence, start), visible)


def _past_runs(sequence: Sequence, start: int) -> tuple[range, ...]:
    """Return the runs of the held path that end at or before `start`."""
    assert sequence.node is not None
    runs = []
    for node in sequence.node.path():
        start -= len(node.slots)
        if start < 0:
            break
        runs.append(node.slots)
    return tuple(runs)
