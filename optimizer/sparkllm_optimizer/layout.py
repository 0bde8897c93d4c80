"""Where several calls on the same rows should put the data: before or after the instruction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np


@dataclass(frozen=True, slots=True)
class Layout:
    """The better layout and the tokens to compute under both."""

    first: Literal["instruction", "data"]
    instruction_first_tokens: int
    data_first_tokens: int


def choose_layout(
    instruction_tokens: Sequence[int], row_tokens: Sequence[int], served_tokens: Sequence[int]
) -> Layout:
    """Choose between instruction first and data first for calls on the same rows.

    `instruction_tokens` [calls] are the tokens of each call's own text, `row_tokens` [rows] those
    of each row's fields, `served_tokens` [rows] how many of these the row before shares in the
    planned order. With the instruction first each call pays its text once and every row again for
    each call; with the data first a row is paid once and every call's text for each row. On equal
    tokens the instruction stays first.
    """
    computed = sum(row_tokens) - sum(served_tokens)
    instructions = sum(instruction_tokens)
    instruction_first = instructions + computed * len(instruction_tokens)
    data_first = computed + instructions * len(row_tokens)
    better: Literal["instruction", "data"] = (
        "data" if data_first < instruction_first else "instruction"
    )
    return Layout(better, instruction_first, data_first)


def data_first(
    instruction_tokens: Sequence[int], row_tokens: np.ndarray[tuple[int], np.dtype[np.int64]]
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return for each of many rows whether its data should stand before several instructions.

    `instruction_tokens` [calls] are the tokens of each call's own text, `row_tokens` [rows] those
    of each row's fields. With the data first a row pays once for its fields and once for every
    instruction, which many rows share otherwise. Other units do as well, if both have the same.
    """
    saved = (len(instruction_tokens) - 1) * row_tokens
    better: np.ndarray[tuple[int], np.dtype[np.bool_]] = saved > sum(instruction_tokens)
    return better
