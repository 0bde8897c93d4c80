"""Windows keep every row, in order, whatever the sizes of the batches."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from sparkllm.worker.window import small_batches, windows


@given(st.lists(st.integers(0, 20)), st.integers(1, 30))
def test_rows_come_in_order_in_windows_of_the_wanted_size(sizes: list[int], rows: int) -> None:
    numbers = list(range(sum(sizes)))
    batches, start = [], 0
    for size in sizes:
        batches.append(pa.record_batch({"n": pa.array(numbers[start : start + size], pa.int64())}))
        start += size
    cut = [window.column("n").to_pylist() for window in windows(iter(batches), rows)]
    assert [number for window in cut for number in window] == numbers
    assert all(len(window) == rows for window in cut[:-1])
    assert all(0 < len(window) <= rows for window in cut)


def test_batches_are_read_only_as_far_as_a_window_needs() -> None:
    read = []

    def batches():  # type: ignore[no-untyped-def]
        for number in range(10):
            read.append(number)
            yield pa.record_batch({"n": [number] * 2})

    next(windows(batches(), 4))
    assert read == [0, 1]


def test_a_window_ends_where_its_batches_have_the_most_bytes() -> None:
    batches = [pa.record_batch({"x": ["a" * 60] * 2})] * 5
    assert [window.num_rows for window in windows(iter(batches), 100, 200)] == [4, 4, 2]


def test_windows_have_fewer_rows_where_rows_are_long() -> None:
    def sizes(text: str) -> list[int]:
        batch = pa.record_batch({"text": [text] * 10})
        return [window.num_rows for window in windows(small_batches([batch], 1_000), 8, 1_000)]

    assert sizes("short") == [8, 2]
    assert sizes("x" * 300) == [6, 4]
    assert sizes("x" * 3_000) == [1] * 10
