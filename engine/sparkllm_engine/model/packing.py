"""Rows of a step, and the step as packed arrays."""

from collections.abc import Sequence as Rows
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, slots=True)
class PackedRow:
    """What one request computes in a step.

    Attributes:
        token_ids: `[length]`.
        positions: `[length]`.
        write_slots: `[length]`, pool slots for the new keys and values.
        key_slots: `[past + length]`, pool slots of all tokens this row sees, its own last.
        runs: the leading part of `key_slots` as contiguous runs that other rows may share; all of
            it past.
        tail_visible: `[m, m]`, whether the last `m` tokens see each other, for tokens that form
            a tree; None when every token sees all before it.
    """

    token_ids: NDArray[np.int32]
    positions: NDArray[np.int64]
    write_slots: NDArray[np.int32]
    key_slots: NDArray[np.int32]
    runs: tuple[range, ...] = ()
    tail_visible: NDArray[np.bool_] | None = None

    @property
    def length(self) -> int:
        """Tokens of the row in this step."""
        return len(self.token_ids)


@dataclass(frozen=True, slots=True)
class PackedStep:
    """A step as tensors: `[1, tokens]` each."""

    token_ids: Tensor
    positions: Tensor


def pack(rows: Rows[PackedRow]) -> PackedStep:
    """Lay the rows end to end."""
    token_ids = np.concatenate([row.token_ids for row in rows]).astype(np.int64)
    positions = np.concatenate([row.positions for row in rows])
    return PackedStep(torch.from_numpy(token_ids)[None], torch.from_numpy(positions)[None])
