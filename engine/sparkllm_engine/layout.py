"""The chunks of one step as rows of the model."""

from collections.abc import Sequence as Chunks

import numpy as np

from sparkllm_engine.cache import Node
from sparkllm_engine.model import DISCARD_SLOT, PackedRow
from sparkllm_engine.scheduling import Chunk

_Path = list[tuple[int, Node]]


def lay_out(chunks: Chunks[Chunk], scratch: range) -> list[PackedRow]:
    """Return one row for each chunk.

    Args:
        chunks: of one step.
        scratch: slots that live for the step; the tails of closed answer sets take them.
    """
    paths = [_path(chunk) for chunk in chunks]
    writers = {
        node: index
        for index, (chunk, path) in enumerate(zip(chunks, paths, strict=True))
        for start, node in path
        if start >= chunk.start and not chunk.discard
    }
    rows = []
    for index, (chunk, path) in enumerate(zip(chunks, paths, strict=True)):
        after = {writers[node] for _, node in path if node in writers} - {index}
        rows.append(_row(chunk, path, tuple(after), scratch))
        scratch = scratch[chunk.tail_length :]
    return rows


def _row(chunk: Chunk, path: _Path, after: tuple[int, ...], scratch: range) -> PackedRow:
    sequence, start, stop = chunk.sequence, chunk.start, chunk.start + chunk.length
    token_ids = sequence.tokens[start:stop]
    positions = np.arange(start, stop)
    keys = sequence.slots[:stop]
    writes = np.full(chunk.length, DISCARD_SLOT, np.int32) if chunk.discard else keys[start:]
    runs = tuple(node.slots for first, node in path if first + len(node.slots) <= start)
    tree = sequence.tree
    if tree is None:
        wanted = (chunk.length - 1,) if stop == sequence.known else ()
        states = sequence.request.parameters.embedding
        return PackedRow(
            token_ids, positions, writes, keys, runs, after, wanted=wanted, states=states
        )
    if not chunk.scored:
        return PackedRow(token_ids, positions, writes, keys, runs, after)
    tail_slots = np.arange(scratch.start, scratch.start + len(tree.tail), dtype=np.int32)
    return PackedRow(
        token_ids=np.concatenate((token_ids, tree.tail)),
        positions=np.concatenate((positions, stop - 1 + tree.depths)),
        write_slots=np.concatenate((writes, tail_slots)),
        key_slots=np.concatenate((keys, tail_slots)),
        runs=runs,
        after=after,
        tail_visible=tree.visible,
        wanted=tuple(chunk.length + branch.source for branch in tree.branches),
        wanted_ids=tree.token_ids,
    )


def _path(chunk: Chunk) -> _Path:
    """Return the nodes that a sequence holds, each with the position of its first token."""
    assert chunk.sequence.node is not None
    path = []
    position = 0
    for node in chunk.sequence.node.path():
        path.append((position, node))
        position += len(node.slots)
    return path
