"""One window of one question on its way: what was sent, and how the answers find their rows."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sparkllm.client import Exchange, Pending
from sparkllm.ledger import Usage
from sparkllm.worker.condition import Rows
from sparkllm.worker.detail import Cut
from sparkllm.worker.invalid_text import invalid_rows
from sparkllm.worker.outcome import Outcomes
from sparkllm.worker.previewing import PreviewExchange
from sparkllm.worker.question import Question
from sparkllm.worker.ready import ReadyAnswers
from sparkllm.worker.reporting import Reporter
from sparkllm.worker.shortening import ask_shortened
from sparkllm.worker.token_count import TokenCountExchange
from sparkllm.worker.window_plan import WindowPlanner
from sparkllm_engine.errors import RowErrorCode
from sparkllm_engine.server.budget import Prices
from sparkllm_engine.server.protocol import RESULT_SCHEMA
from sparkllm_optimizer import distinct_rows

AnyExchange = Exchange | PreviewExchange | TokenCountExchange
AnyPending = Pending | ReadyAnswers

_Ids = np.ndarray[tuple[int], np.dtype[np.int64]]

_TOKENS = ("prompt_tokens", "cached_tokens", "output_tokens")
NULL = -1
SKIPPED = -2


@dataclass(frozen=True, slots=True)
class WindowRequest:
    """A window of rows whose distinct inputs are with the engine.

    `answer_of[row]` is the position of the row's outcome, -1 where every column is NULL, -2 where
    the guard skips the row. First come the outcomes of the pending inputs, then those of the inputs
    that can't be sent, with the reasons in `invalid`. `pending` is None when no row makes a call.
    `inputs` are the pending ones where they may be shortened and sent again.
    """

    question: Question
    exchange: AnyExchange
    pending: AnyPending | None
    answer_of: _Ids
    invalid: tuple[str, ...] = ()
    inputs: pa.Table | None = None

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

    def answers(self, reporter: Reporter, prices: Prices) -> tuple[pa.Array, Usage]:
        """Wait, log errors, and return one answer per row, in row order, and what they cost."""
        rows = len(self.answer_of)
        unasked = unasked_usage(self.answer_of)
        if self.pending is None and not self.invalid:
            return pa.nulls(rows, self.question.type), unasked
        outcomes = self._outcomes()
        reporter.errors(outcomes.results)
        by_row = outcomes.details if self.question.call.detail else outcomes.answers
        return by_row(self.answer_of), usage_of(outcomes.results, unasked, prices)

    def _outcomes(self) -> Outcomes:
        question = self.question
        cut: dict[int, Cut] = {}
        results = self.pending.result() if self.pending else RESULT_SCHEMA.empty_table()
        if self.inputs is not None:
            results, cut = ask_shortened(question, self.inputs, self.exchange, results)
        outcomes = Outcomes.of(results, question, cut)
        return outcomes.and_invalid(self.invalid)


def send(
    question: Question,
    rows: pa.Table,
    planner: WindowPlanner,
    exchange: AnyExchange,
    wanted: Rows | None = None,
) -> WindowRequest:
    """Send the distinct inputs of a window to the engine, in the order that is planned.

    Only rows that are `wanted` are asked about, all if it is None.
    """
    passed = question.asked(rows, wanted)
    inputs = question.inputs(rows)
    if len(passed) < rows.num_rows:
        inputs = inputs.take(passed)
    distinct = distinct_rows(inputs)
    inputs = inputs.take(distinct.first)
    invalid = invalid_rows(inputs)
    asked = np.setdiff1d(_not_all_null(inputs), list(invalid))
    answer_of_input = np.full(len(distinct.first), NULL, np.int64)
    pending: AnyPending | None = None
    resent: pa.Table | None = None
    if len(asked):
        inputs = inputs.take(asked)
        groups = planner.groups(inputs)
        order = np.concatenate([group.row_ids for group in groups])
        answer_of_input[asked[order]] = np.arange(len(order))
        prompts = question.prompts(inputs, groups)
        pending = exchange.submit(prompts)
        resent = inputs.take(pa.array(order)) if question.prompt.truncates else None
    answer_of_input[list(invalid)] = len(asked) + np.arange(len(invalid))
    answer_of = np.full(rows.num_rows, SKIPPED, np.int64)
    answer_of[passed] = answer_of_input[distinct.inverse]
    reasons = tuple(invalid.values())
    return WindowRequest(question, exchange, pending, answer_of, reasons, resent)


def _not_all_null(rows: pa.Table) -> _Ids:
    valid = np.zeros(rows.num_rows, bool)
    for column in rows.columns:
        valid |= column.is_valid().to_numpy()
    return np.flatnonzero(valid)


def unasked_usage(answer_of: _Ids) -> Usage:
    """Return the counts of rows by what they ask, see `WindowRequest`."""
    return Usage(
        rows=len(answer_of),
        nulls=int(np.count_nonzero(answer_of == NULL)),
        skipped=int(np.count_nonzero(answer_of == SKIPPED)),
    )


def usage_of(results: pa.Table, unasked: Usage, prices: Prices, inputs: int | None = None) -> Usage:
    """Return what results cost.

    Args:
        results: as of `Pending.result`.
        unasked: counts of the rows.
        prices: of tokens.
        inputs: how many prompts there are, equal ones counted each; None for one a row.
    """
    codes = results.column("error_code").drop_null().value_counts().to_pylist()
    called = results.filter(pc.invert(results.column("reused")))
    stored = results.filter(results.column("stored"))
    asked = unasked.rows - unasked.nulls - unasked.skipped if inputs is None else inputs
    refused = sum(code["counts"] for code in codes if code["values"] == RowErrorCode.BUDGET)
    spent = [_total(called, name) for name in _TOKENS]
    saved = [_total(stored, name) for name in _TOKENS]
    return replace(
        unasked,
        reused=asked - called.num_rows - stored.num_rows - refused,
        refused=refused,
        stored=stored.num_rows,
        distinct=results.num_rows,
        calls=called.num_rows,
        money=prices.money(*spent),
        saved_money=prices.money(*saved),
        **dict(zip(_TOKENS, spent, strict=True)),
        **{f"saved_{name}": count for name, count in zip(_TOKENS, saved, strict=True)},
        errors={entry["values"]: entry["counts"] for entry in codes},
    )


def _total(results: pa.Table, column: str) -> int:
    return int(pc.sum(results.column(column)).as_py() or 0)
