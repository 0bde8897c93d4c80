"""The function that Spark runs in its Python workers: batches of rows in, batches of answers out.

batches ── window ── for each call: distinct ── plan ── render ──► engine (Exchange.submit)
                                                      │  the next window is prepared meanwhile
batches ◄────────────── restore, usage ◄──────────────┘
"""

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from sparkllm.worker.batches import Arguments, answer_batches
from sparkllm.worker.evaluation import evaluate
from sparkllm.worker.question import known_rows, questions, wanted_rows
from sparkllm.worker.window_usage import usage_column


class CallFunction:
    """The calls of one operator, as the callable of an iterator UDF.

    Its argument is one struct column of the calls' distinct arguments. A row's result is a struct:
    the answers of the calls in order, and last the usage of the window that the row is the first
    of, NULL for all other rows.
    """

    def __init__(self, calls_json: str) -> None:
        self.calls_json = calls_json

    def __reduce__(self) -> tuple[type["CallFunction"], tuple[str]]:
        return CallFunction, (self.calls_json,)

    def __call__(self, batches: Iterable[Any]) -> Iterator[Any]:
        return answer_batches(batches, self._answer)

    def _answer(self, batches: Iterator[Arguments]) -> Iterator[pa.Array]:
        asked = questions(self.calls_json)
        names = [f"answer_{position}" for position in range(len(asked))]
        rows = (
            pa.RecordBatch.from_arrays(struct.flatten(), [field.name for field in struct.type])
            for (struct,) in batches
        )
        known, wanted = known_rows(self.calls_json), wanted_rows(self.calls_json)
        for window in evaluate(asked, rows, known, wanted):
            usage = usage_column(window.usage, window.usage.rows)
            yield pa.StructArray.from_arrays([*window.answers, usage], [*names, "usage"])
