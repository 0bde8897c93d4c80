"""One submitted window: which of its prompts are answered, and its results in order."""

import math
import time
from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

from sparkllm_engine.server.protocol import REQUEST_SCHEMA, RESULT_SCHEMA

_BATCH_ROWS = 8192


class Pending:
    """The results to come of the prompts of one `Exchange.submit`.

    On the wire its prompts have the ids `first` to `first + rows - 1`. The exchange guards it, and
    `wait` waits for its completion, which `finished` tells the moment of, on the monotonic clock.
    """

    def __init__(
        self, first: int, prompts: pa.Array, wait: "Callable[[Pending, float], None]"
    ) -> None:
        self.first = first
        self.rows = len(prompts)
        self._wait = wait
        self._prompts = prompts
        self._answered = np.zeros(self.rows, dtype=np.bool_)
        self._missing = self.rows
        self._parts: list[pa.RecordBatch] = []
        self.finished = 0.0

    @property
    def is_complete(self) -> bool:
        """Whether every prompt has its result."""
        return self._missing == 0

    @property
    def answered(self) -> int:
        """How many prompts have their result."""
        return self.rows - self._missing

    def wait(self, seconds: float) -> bool:
        """Wait until every prompt has its result, at most this long; return whether it has.

        Raises:
            EngineError: as `result`.
        """
        self._wait(self, seconds)
        return self.is_complete

    def result(self) -> pa.Table:
        """Wait, and return one row for each prompt in the order submitted.

        The columns are those of `protocol.RESULT_SCHEMA`; `id` is the prompt's position.

        Raises:
            EngineError: the engine can't be started, died too often, or refuses the call.
        """
        self._wait(self, math.inf)
        return self._in_order()

    def receive(self, results: pa.RecordBatch, ids: np.ndarray) -> None:
        """Take results, all of this window; `ids` are their ids, int64 `[rows]`."""
        self._answered[ids - self.first] = True
        self._missing -= len(ids)
        self._parts.append(results)
        if self.is_complete:
            self.finished = time.monotonic()
            self._prompts = None

    def unanswered(self) -> Iterator[pa.RecordBatch]:
        """Return requests for the prompts that have no result yet, in batches."""
        positions = np.flatnonzero(~self._answered)
        prompts = self._prompts
        if len(positions) < self.rows:
            prompts = prompts.take(pa.array(positions))
        ids = pa.array(positions + self.first, pa.int64())
        for start in range(0, len(positions), _BATCH_ROWS):
            columns = [ids.slice(start, _BATCH_ROWS), prompts.slice(start, _BATCH_ROWS)]
            yield pa.RecordBatch.from_arrays(columns, schema=REQUEST_SCHEMA)

    def _in_order(self) -> pa.Table:
        table = pa.Table.from_batches(self._parts, RESULT_SCHEMA).combine_chunks()
        positions = table.column("id").to_numpy() - self.first
        places = np.empty(self.rows, dtype=np.int64)
        places[positions] = np.arange(self.rows)
        table = table.take(pa.array(places))
        return table.set_column(0, RESULT_SCHEMA.field("id"), pa.array(np.arange(self.rows)))
