"""One window of one question on its way: what was sent, and how the answers find their rows."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sparkllm.client import Exchange, Pending
from sparkllm.ledger import Usage
from sparkllm.worker.previewing import Previewed, PreviewExchange
from sparkllm.worker.question import Question
from sparkllm.worker.rendering import render
from sparkllm.worker.reporting import Reporter
from sparkllm.worker.window_plan import WindowPlanner
from sparkllm_optimizer import distinct_rows

_Ids = np.ndarray[tuple[int], np.dtype[np.int64]]

_WRONG_TYPE = "ANSWER_TYPE"
_NULL = -1
_SKIPPED = -2


@dataclass(frozen=True, slots=True)
class WindowRequest:
    """A window of rows whose distinct inputs are with the engine.

    `answer_of[row]` is the position of the row's answer among the pending ones, -1 where every
    column is NULL, -2 where the guard skips the row. `pending` is None when no row makes a call.
    """

    question: Question
    pending: Pending | Previewed | None
    answer_of: _Ids

    @property
    def asked(self) -> int:
        """How many inputs the engine was asked about."""
        return self.pending.rows if self.pending else 0

    @property
    def answered(self) -> int:
        """How many of them it has answered."""
        return self.pending.answered if self.pending else 0

    @property
    def finished(self) -> float:
        """When the last answer came, on the monotonic clock; 0 where nothing was asked."""
        return self.pending.finished if self.pending else 0.0

    def wait(self, seconds: float) -> bool:
        """Wait until everything is answered, at most this long; return whether it is."""
        return self.pending is None or self.pending.wait(seconds)

    def answers(self, reporter: Reporter) -> tuple[pa.Array, Usage]:
        """Wait, log errors, and return one answer per row, in row order, and what they cost."""
        rows = len(self.answer_of)
        unasked = Usage(
            rows=rows,
            nulls=int(np.count_nonzero(self.answer_of == _NULL)),
            skipped=int(np.count_nonzero(self.answer_of == _SKIPPED)),
        )
        if self.pending is None:
            return pa.nulls(rows, self.question.type), unasked
        results, values = self._typed(self.pending.result())
        reporter.errors(results)
        positions = pa.array(self.answer_of, mask=self.answer_of < 0)
        return values.take(positions), _usage(results, unasked)

    def _typed(self, results: pa.Table) -> tuple[pa.Table, pa.Array]:
        """Return the results with an error for each text that is not of the type, and values."""
        texts = results.column("text").combine_chunks()
        if self.question.answer_type is None:
            return results, texts
        values, wrong = self.question.answer_type.column(texts.to_pylist())
        for name, reasons in (
            ("error_code", dict.fromkeys(wrong, _WRONG_TYPE)),
            ("error_message", wrong),
        ):
            entries = results.column(name).to_pylist()
            for position, reason in reasons.items():
                entries[position] = reason
            position = results.schema.get_field_index(name)
            results = results.set_column(position, name, pa.array(entries, pa.utf8()))
        return results, values


def send(
    question: Question,
    rows: pa.Table,
    planner: WindowPlanner,
    exchange: Exchange | PreviewExchange,
) -> WindowRequest:
    """Send the distinct inputs of a window to the engine, in the order that is planned."""
    passed = question.asked(rows)
    inputs = question.inputs(rows)
    if len(passed) < rows.num_rows:
        inputs = inputs.take(passed)
    distinct = distinct_rows(inputs)
    inputs = inputs.take(distinct.first)
    asked = _not_all_null(inputs)
    answer_of_input = np.full(len(distinct.first), _NULL, np.int64)
    pending: Pending | Previewed | None = None
    if len(asked):
        inputs = inputs.take(asked)
        groups = planner.groups(inputs)
        order = np.concatenate([group.row_ids for group in groups])
        answer_of_input[asked[order]] = np.arange(len(order))
        prompts = render(question.prompt, inputs, groups, question.call.json_columns)
        pending = exchange.submit(prompts)
    answer_of = np.full(rows.num_rows, _SKIPPED, np.int64)
    answer_of[passed] = answer_of_input[distinct.inverse]
    return WindowRequest(question, pending, answer_of)


def _not_all_null(rows: pa.Table) -> _Ids:
    valid = np.zeros(rows.num_rows, bool)
    for column in rows.columns:
        valid |= column.is_valid().to_numpy()
    return np.flatnonzero(valid)


def _usage(results: pa.Table, unasked: Usage) -> Usage:
    codes = results.column("error_code").drop_null().value_counts().to_pylist()
    calls = results.num_rows - _total(results, "reused")
    return replace(
        unasked,
        reused=unasked.rows - unasked.nulls - unasked.skipped - calls,
        distinct=results.num_rows,
        calls=calls,
        prompt_tokens=_total(results, "prompt_tokens"),
        cached_tokens=_total(results, "cached_tokens"),
        output_tokens=_total(results, "output_tokens"),
        errors={entry["values"]: entry["counts"] for entry in codes},
    )


def _total(results: pa.Table, column: str) -> int:
    return int(pc.sum(results.column(column)).as_py() or 0)
