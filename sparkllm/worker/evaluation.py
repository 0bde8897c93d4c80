"""Several questions about the rows of a task, window by window."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from functools import partial

import pyarrow as pa

from sparkllm.client import EngineSettings, open_exchange
from sparkllm.worker.asked_window import AskedWindow, Asking, Send, WindowAnswers
from sparkllm.worker.condition import Wanted
from sparkllm.worker.groups import GroupAsker
from sparkllm.worker.previewing import PreviewExchange
from sparkllm.worker.question import Question
from sparkllm.worker.reporting import Reporter
from sparkllm.worker.settings import WorkerSettings, task_settings
from sparkllm.worker.token_count import TokenCountExchange
from sparkllm.worker.window import small_batches, windows
from sparkllm.worker.window_plan import WindowPlanner
from sparkllm.worker.window_request import AnyExchange, send

_WINDOWS_AHEAD = 1
# The calls of a fused window come one after the other, so the prefix cache has to hold its rows.
_FUSED_BYTES = 16_384
_FUSED_AHEAD = 3
_FIRST_ROWS = 256  # of a task that has to learn the order of its calls


def evaluate(
    questions: Sequence[Question],
    batches: Iterable[pa.RecordBatch],
    known_rows: int | None = None,
    wanted: Wanted | None = None,
) -> Iterator[WindowAnswers]:
    """Yield the answers to all rows of `batches` in order.

    A row whose columns are all NULL has the answer NULL and makes no call. A row that ends in an
    error has the answer NULL; its error is logged and counted.

    Args:
        questions: about each row.
        batches: the rows of this task.
        known_rows: how many rows all tasks of the operator have, if that is known.
        wanted: which rows are; once a row can't be any more, answers that are missing stay NULL
            without a call.

    Raises:
        EngineError: the engine cannot be started, or died too often.
    """
    settings = task_settings()
    budget = asdict(settings.budget) if settings.budget else None
    waiting: deque[AskedWindow] = deque()
    free = 0.0
    calls = ", ".join(question.call.title for question in questions)
    with Reporter(settings, calls, known_rows) as reporter, ExitStack() as open_exchanges:

        def opened(question: Question) -> AnyExchange:
            if settings.preview:
                return open_exchanges.enter_context(
                    PreviewExchange(question.call, reporter, settings.engine.model)
                )
            if question.prompt.answer == "tokens":
                return open_exchanges.enter_context(TokenCountExchange(settings.engine.model))
            asked = open_exchange(_engine_for(question, settings), question.sampling, budget=budget)
            return open_exchanges.enter_context(asked)

        def sender(question: Question) -> Send:
            if question.prompt.combining:
                return GroupAsker(question, settings.engine, opened).send
            planner = WindowPlanner(settings.plan, question.order, question.slots)
            return partial(send, question, planner=planner, exchange=opened(question))

        senders = [sender(question) for question in questions]
        asking = Asking(questions, senders, None if settings.preview else wanted)
        ahead = _WINDOWS_AHEAD
        if any(question.fusion is not None for question in questions):
            ahead = _FUSED_AHEAD
            batches = small_batches(batches, _FUSED_BYTES // 2)
            tables = windows(batches, settings.window_rows, _FUSED_BYTES)
        elif asking.wanted is not None:
            tables = windows(batches, settings.window_rows, first=_FIRST_ROWS)
        else:
            tables = windows(batches, settings.window_rows)
        for table in tables:
            waiting.append(AskedWindow(asking, table))
            if asking.has_to_learn or len(waiting) > ahead:
                window = waiting.popleft()
                yield window.answers(reporter, free, settings.prices)
                free = window.finished
        while waiting:
            window = waiting.popleft()
            yield window.answers(reporter, free, settings.prices)
            free = window.finished


def _engine_for(question: Question, settings: WorkerSettings) -> EngineSettings:
    if question.prompt.answer != "embedding":
        return settings.engine
    return settings.engine.embedding(question.prompt.model or settings.embedding_model)
