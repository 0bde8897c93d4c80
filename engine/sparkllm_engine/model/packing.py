"""What one request computes in a step."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True, slots=True)
class PackedRow:
    """New tokens of one request, and what they see. Rows are packed end to end in a forward pass.

    Attributes:
        token_ids: `[length]`.
        positions: `[length]`.
        write_slots: `[length]`, pool slots for the new keys and values.
        key_slots: `[past + length]`, pool slots of all tokens this row sees, its own last.
        runs: the leading part of `key_slots`, all of it past, as contiguous runs that other rows
            may share.
        after: rows of the same step whose keys this one reads.
        tail_visible: `[m, m]`, whether the last `m` tokens see each other, for tokens that form
            a tree; None when every token sees all before it.
        wanted: offsets in `token_ids` where logits are wanted.
        wanted_ids: `[u]`, the tokens whose logits are wanted; None for the whole vocabulary. Rows
            with the same tensor want the same number of logits.
        states: whether the hidden states behind the last layer are wanted instead of logits.
    """

    token_ids: NDArray[np.int32]
    positions: NDArray[np.int64]
    write_slots: NDArray[np.int32]
    key_slots: NDArray[np.int32]
    runs: tuple[range, ...] = ()
    after: tuple[int, ...] = ()
    tail_visible: NDArray[np.bool_] | None = None
    wanted: tuple[int, ...] = ()
    wanted_ids: Tensor | None = None
    states: bool = False

    @property
    def length(self) -> int:
        """Tokens of the row in this step."""
        return len(self.token_ids)
