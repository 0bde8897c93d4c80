"""Windows: a stream of record batches of any size, cut and joined into tables of a chosen size."""

from collections.abc import Iterable, Iterator

import pyarrow as pa

_MOST_BYTES = 128 << 20


def windows(
    batches: Iterable[pa.RecordBatch], rows: int, most_bytes: int = _MOST_BYTES
) -> Iterator[pa.Table]:
    """Yield the rows of `batches` in order, `rows` at a time; the last window may be shorter.

    So is one whose batches have `most_bytes` together, which groups of many texts soon have.
    """
    held: list[pa.RecordBatch] = []
    count = size = 0
    for batch in batches:
        start = 0
        while start < batch.num_rows:
            part = batch.slice(start, rows - count)
            held.append(part)
            count += part.num_rows
            start += part.num_rows
            size += part.nbytes
            if count == rows or size >= most_bytes:
                yield pa.Table.from_batches(held)
                held, count, size = [], 0, 0
    if held:
        yield pa.Table.from_batches(held)
