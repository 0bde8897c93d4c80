"""Stable orders of rows by integer columns, by radix sort."""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from sparkllm_optimizer.encoding import Integers

_DIGIT = 1 << 16
_AT_ONCE = 3

Digit = npt.NDArray[np.uint16]
Column = npt.NDArray[np.integer]


def order_by(columns: Iterable[tuple[Column, int]], most_digits: int | None = None) -> Integers:
    """Return the stable order [rows] by columns, the most significant first.

    A column comes with its size: its values are at least 0 and below it. Columns are packed into
    digits of 16 bits, which numpy sorts by radix: a digit costs a tenth of comparing 64 bits. With
    `most_digits` the order is by as many leading columns as these digits hold.
    """
    digits = list(_packed(columns, most_digits))
    if not digits:
        raise ValueError("rows are ordered by at least one column")
    order = np.argsort(digits[-1], kind="stable")
    for digit in reversed(digits[:-1]):
        order = order.take(np.argsort(digit.take(order), kind="stable"))
    return order


def order_matrix(keys: npt.NDArray[np.int32], size: int) -> Integers:
    """Return the stable order [rows] of the rows of `keys` [rows, columns], all below `size`.

    Rows are sorted by a few columns; only those that are still equal are sorted by the next ones.
    """
    rows, columns = keys.shape
    order = order_by([(keys[:, column], size) for column in range(min(columns, _AT_ONCE))])
    open_rows = np.arange(rows)  # positions in `order`
    group = np.zeros(rows, np.int64)
    for start in range(_AT_ONCE, columns, _AT_ONCE):
        sorted_keys = keys[:, start - _AT_ONCE : start].take(order[open_rows], axis=0)
        fresh = np.ones(len(open_rows), bool)
        fresh[1:] = (sorted_keys[1:] != sorted_keys[:-1]).any(1) | (group[1:] != group[:-1])
        alone = fresh.copy()
        alone[:-1] &= fresh[1:]
        kept = np.flatnonzero(~alone)
        if len(kept) == 0:
            break
        group = (np.cumsum(fresh) - 1)[kept]
        open_rows = open_rows[kept]
        tied = order[open_rows]
        columns_left = range(start, min(start + _AT_ONCE, columns))
        by: list[tuple[Column, int]] = [(group, int(group[-1]) + 1)]
        by += [(keys[:, column].take(tied), size) for column in columns_left]
        order[open_rows] = tied[order_by(by)]
    return order


def _packed(columns: Iterable[tuple[Column, int]], most_digits: int | None) -> Iterator[Digit]:
    """Digits of several small columns each, or of a part of a large one."""
    digit: Digit | None = None
    size = 1
    made = 0
    for values, bound in columns:
        if digit is not None and size * bound <= _DIGIT:
            # A digit of size 1 is all zeros, and the bound may then be one more than 16 bits hold.
            shifted = digit * np.uint16(bound) if size > 1 else np.uint16(0)
            digit = shifted + values.astype(np.uint16)
            size *= bound
            continue
        if digit is not None:
            yield digit
            made += 1
        for shift in range(16 * ((max(bound - 1, 1).bit_length() - 1) // 16), 0, -16):
            if made == most_digits:
                return
            yield (values >> shift).astype(np.uint16)
            made += 1
        if made == most_digits:
            return
        digit, size = values.astype(np.uint16), bound if bound <= _DIGIT else _DIGIT
    if digit is not None:
        yield digit
