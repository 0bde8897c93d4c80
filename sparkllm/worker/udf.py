"""The function that Spark runs in its Python workers: batches of rows in, batches of answers out.

batches ── window ── distinct ── plan ── render ──► engine (Exchange.submit)
                                                      │  the next window is prepared meanwhile
batches ◄────────────── restore ◄─────────────────────┘
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from sparkllm.client import open_exchange
from sparkllm.tasks import Call, prompt_for
from sparkllm.worker.batches import Arguments, answer_batches
from sparkllm.worker.reporting import Reporter
from sparkllm.worker.settings import task_settings
from sparkllm.worker.window import windows
from sparkllm.worker.window_request import WindowRequest, send

_WINDOWS_AHEAD = 1


class CallFunction:
    """One `llm(...)` call of a query, as the callable of an iterator UDF.

    Its argument is one struct column, whose fields are the call's columns in order.
    """

    def __init__(self, call_json: str) -> None:
        self.call_json = call_json

    def __reduce__(self) -> tuple[type["CallFunction"], tuple[str]]:
        return CallFunction, (self.call_json,)

    def __call__(self, batches: Iterable[Any]) -> Iterator[Any]:
        return answer_batches(batches, self._answer)

    def _answer(self, batches: Iterator[Arguments]) -> Iterator[pa.Array]:
        call = Call.from_json(self.call_json)
        names = list(call.columns)
        rows = (pa.RecordBatch.from_arrays(struct.flatten(), names) for (struct,) in batches)
        return evaluate(call, rows)


def evaluate(call: Call, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Array]:
    """Yield the answers of `call` for all rows of `batches` in order, as arrays of strings.

    A row whose columns are all NULL has the answer NULL and makes no call. A row that ends in an
    error has the answer NULL; its error is logged and counted.

    Raises:
        CallError: the call cannot mean anything.
        EngineError: the engine cannot be started, or died too often.
    """
    prompt = prompt_for(call)
    settings = task_settings()
    waiting: deque[WindowRequest] = deque()
    with (
        Reporter(settings) as reporter,
        open_exchange(settings.engine, {**prompt.sampling, "choices": prompt.choices}) as exchange,
    ):
        for table in windows(batches, settings.window_rows):
            waiting.append(send(prompt, table, settings.plan, exchange))
            if len(waiting) > _WINDOWS_AHEAD:
                yield waiting.popleft().answers(reporter)
        while waiting:
            yield waiting.popleft().answers(reporter)
