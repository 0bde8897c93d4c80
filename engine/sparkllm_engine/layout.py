"""The chunks of one step as rows of the model."""

from collections.abc import Iterable

import numpy as np

from sparkllm_engine.model import DISCARD_SLOT, PackedRow
from sparkllm_engine.scheduling import Chunk, Sequence


def lay_out(chunks: Iterable[Chunk], scratch: range) -> list[PackedRow]:
    """Return one row for each chunk.

    Args:
        chunks: of one step.
        scratch: slots that live for the step; the tails of closed answer sets take them.
    """
    rows = []
    for chunk in chunks:
        rows.append(_row(chunk, scratch))
        scratch = scratch[chunk.tail_length :]
    return rows


def _row(chunk: Chunk, scratch: range) -> PackedRow:
    sequence, start, stop = chunk.sequence, chunk.start, chunk.start + chunk.length
    token_ids = sequence.tokens[start:stop]
    positions = np.arange(start, stop)
    keys = sequence.slots[:stop]
    writes = np.full(chunk.length, DISCARD_SLOT, np.int32) if chunk.discard else keys[start:]
    runs = _past_runs(sequence, start)
    tree = sequence.tree
    if tree is None:
        wanted = (chunk.length - 1,) if stop == sequence.known else ()
        return PackedRow(token_ids, positions, writes, keys, runs, wanted=wanted)
    if not chunk.scored:
        return PackedRow(token_ids, positions, writes, keys, runs)
    tail_slots = np.arange(scratch.start, scratch.start + len(tree.tail), dtype=np.int32)
    return PackedRow(
        token_ids=np.concatenate((token_ids, tree.tail)),
        positions=np.concatenate((positions, stop - 1 + tree.depths)),
        write_slots=np.concatenate((writes, tail_slots)),
        key_slots=np.concatenate((keys, tail_slots)),
        runs=runs,
        tail_visible=tree.visible,
        wanted=tuple(chunk.length + branch.source for branch in tree.branches),
        wanted_ids=tree.token_ids,
    )


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
