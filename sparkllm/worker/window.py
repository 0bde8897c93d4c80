"""Windows: a stream of record batches of any size, cut and joined into tables of a chosen size."""

from collections.abc import Iterable, Iterator

import pyarrow as pa


def windows(batches: Iterable[pa.RecordBatch], rows: int) -> Iterator[pa.Table]:
    """Yield the rows of `batches` in order, `rows` at a time; the last window may be shorter."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        start = 0
        while start < batch.num_rows:
            part = batch.slice(start, rows - count)
            held.append(part)
            count += part.num_rows
            start += part.num_rows
            if count == rows:
                yield pa.Table.from_batches(held)
                held, count = [], 0
    if held:
        yield pa.Table.from_batches(held)
