"""Radix orders of integer columns, against numpy's own sort."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparkllm_optimizer.sorting import order_by, order_matrix


def keys(seed: int, size: int) -> np.ndarray:
    """A table with many ties and the largest possible value among them."""
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 200)), int(rng.integers(1, 9)))
    made = rng.integers(0, min(size, int(rng.choice([2, 4, size]))), shape)
    made[rng.random(shape) < 0.2] = size - 1
    return made.astype(np.int32)


sizes = st.sampled_from([1, 2, 5, 100, 1 << 16, (1 << 16) + 1, 1 << 20])


@given(st.integers(0, 10**6), sizes)
@settings(max_examples=60, deadline=None)
def test_columns_are_ordered_as_by_a_stable_sort(seed: int, size: int) -> None:
    table = keys(seed, size)
    expected = np.lexsort(table.T[::-1]).tolist()
    assert order_by([(column, size) for column in table.T]).tolist() == expected
    assert order_matrix(table, size).tolist() == expected


@given(st.integers(0, 10**6), sizes)
@settings(max_examples=30, deadline=None)
def test_two_digits_order_by_the_leading_bits_at_least(seed: int, size: int) -> None:
    table = keys(seed, size)
    order = order_by([(column, size) for column in table.T], most_digits=2)
    assert sorted(order.tolist()) == list(range(len(table)))
    leading = (table[order, 0] >> 16).tolist()
    assert leading == sorted(leading)


def test_a_constant_column_stands_before_one_of_all_16_bits() -> None:
    constant, full = np.zeros(3, np.int32), np.array([65535, 0, 7], np.int32)
    assert order_by([(constant, 1), (full, 1 << 16)]).tolist() == [1, 2, 0]


def test_no_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one column"):
        order_by([])
