"""Windows: a stream of record batches of any size, cut and joined into tables of a chosen size."""

from collections.abc import Iterable, Iterator

import pyarrow as pa

_MOST_BYTES = 128 << 20


def small_batches(batches: Iterable[pa.RecordBatch], most_bytes: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows of `batches` in order, in batches of about `most_bytes`, of a row at least."""
    for batch in batches:
        bytes_a_row = max(1.0, batch.nbytes / max(1, batch.num_rows))
        rows = max(1, int(most_bytes / bytes_a_row))
        yield from (batch.slice(start, rows) for start in range(0, batch.num_rows, rows))


def windows(
    batches: Iterable[pa.RecordBatch],
    rows: int,
    most_bytes: int = _MOST_BYTES,
    first: int | None = None,
) -> Iterator[pa.Table]:
    """Yield the rows of `batches` in order, `rows` at a time; the last window may be shorter.

    The first has at most `first` rows. Shorter, too, is one whose batches have `most_bytes`,
    which groups of many texts soon have.
    """
    held: list[pa.RecordBatch] = []
    count = size = 0
    most_rows = rows if first is None else min(first, rows)
    for batch in batches:
        start = 0
        while start < batch.num_rows:
            part = batch.slice(start, most_rows - count)
            held.append(part)
            count += part.num_rows
            start += part.num_rows
            size += part.nbytes
            if count == most_rows or size >= most_bytes:
                yield pa.Table.from_batches(held)
                held, count, size, most_rows = [], 0, 0, rows
    if held:
        yield pa.Table.from_batches(held)
