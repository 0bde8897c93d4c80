"""Calls on the same columns that share one pass over a row's text.

    instruction first   instruction A ─ row      data first   row ┬ instruction A
                        instruction B ─ row                       └ instruction B

Each row decides for itself, by its length: so its prompts, and its answers, are the same whatever
task or window it is in.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sparkllm.tasks.prompt import Literal, Prompt
from sparkllm.worker.condition import Rows
from sparkllm_optimizer import data_first

_OTHER_BYTES = 8  # of a value that is no text


@dataclass(frozen=True, slots=True)
class Fusion:
    """What the calls of a group have in common: how long their instructions are, in bytes."""

    instructions: tuple[int, ...]

    @classmethod
    def of(cls, prompts: Sequence[Prompt]) -> "Fusion | None":
        """Return what these have in common, None where they can't share a row's text."""
        literals = [part for prompt in prompts for part in prompt.head if isinstance(part, Literal)]
        if len(prompts) < 2 or any(len(p.head) != 1 or not p.fields for p in prompts):
            return None
        if len(literals) != len(prompts) or len({prompt.fields for prompt in prompts}) > 1:
            return None
        return cls(tuple(len(literal.text.encode()) for literal in literals))

    def data_first(self, rows: pa.Table) -> Rows:
        """Return which rows stand before the instructions."""
        sizes = np.zeros(rows.num_rows, np.int64)
        for name, column in zip(rows.column_names, rows.columns, strict=True):
            sizes += _bytes(column) + len(name)
        return data_first(self.instructions, sizes)


def _bytes(column: pa.ChunkedArray) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        lengths = pc.fill_null(pc.binary_length(column), 0)
        return np.asarray(lengths.to_numpy(), np.int64)
    return np.full(len(column), _OTHER_BYTES, np.int64)
