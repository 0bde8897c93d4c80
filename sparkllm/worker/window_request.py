"""One window on its way: what was sent to the engine, and how the answers find their rows."""

import time
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sparkllm.client import Exchange, Pending
from sparkllm.ledger import Usage
from sparkllm.tasks import Prompt
from sparkllm.worker.rendering import render
from sparkllm.worker.reporting import Reporter
from sparkllm_optimizer import PlanOptions, distinct_rows, plan

_Ids = np.ndarray[tuple[int], np.dtype[np.int64]]

_REPORT_EVERY = 0.5  # seconds


@dataclass(frozen=True, slots=True)
class WindowRequest:
    """A window of rows whose distinct inputs are with the engine.

    `answer_of[row]` is the position of the row's answer among the pending ones, -1 where every
    column is NULL. `pending` is None when no row makes a call.
    """

    pending: Pending | None
    answer_of: _Ids
    started: float

    def answers(self, reporter: Reporter) -> pa.Array:
        """Wait for the answers, report them, and return one answer per row, in row order."""
        rows = len(self.answer_of)
        if self.pending is None:
            reporter.window(Usage(rows=rows))
            return pa.nulls(rows, pa.utf8())
        while not self.pending.wait(_REPORT_EVERY):
            reporter.under_way(rows * self.pending.answered // self.pending.rows)
        results = self.pending.result()
        reporter.errors(results)
        reporter.window(_usage(results, rows, time.monotonic() - self.started))
        positions = pa.array(self.answer_of, mask=self.answer_of < 0)
        return results.column("text").combine_chunks().take(positions)


def send(prompt: Prompt, rows: pa.Table, options: PlanOptions, exchange: Exchange) -> WindowRequest:
    """Send the distinct inputs of a window to the engine, in the order that is planned."""
    started = time.monotonic()
    distinct = distinct_rows(rows)
    inputs = rows.take(distinct.first)
    asked = _not_all_null(inputs)
    answer_of_input = np.full(len(distinct.first), -1, np.int64)
    pending = None
    if len(asked):
        inputs = inputs.take(asked)
        groups = plan(inputs, options).groups
        order = np.concatenate([group.row_ids for group in groups])
        answer_of_input[asked[order]] = np.arange(len(order))
        pending = exchange.submit(render(prompt, inputs, groups))
    return WindowRequest(pending, answer_of_input[distinct.inverse], started)


def _not_all_null(rows: pa.Table) -> _Ids:
    valid = np.zeros(rows.num_rows, bool)
    for column in rows.columns:
        valid |= column.is_valid().to_numpy()
    return np.flatnonzero(valid)


def _usage(results: pa.Table, rows: int, seconds: float) -> Usage:
    codes = results.column("error_code").drop_null().value_counts().to_pylist()
    return Usage(
        rows=rows,
        distinct=results.num_rows,
        calls=results.num_rows - _total(results, "reused"),
        prompt_tokens=_total(results, "prompt_tokens"),
        cached_tokens=_total(results, "cached_tokens"),
        output_tokens=_total(results, "output_tokens"),
        errors={entry["values"]: entry["counts"] for entry in codes},
        seconds=seconds,
    )


def _total(results: pa.Table, column: str) -> int:
    return int(pc.sum(results.column(column)).as_py() or 0)
