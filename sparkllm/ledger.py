"""What was spent: counted per window by workers, summed per query by the driver."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from sparkllm.busy_time import BusyTime
from sparkllm_engine.server.budget import Budget, Cost, Grant, Limits

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Usage:
    """Counts of some rows' calls.

    `rows` were given. Of their inputs, one for each call and row, `nulls` asked nothing, `skipped`
    were not needed (a CASE, AND, … decided without them), `stored` had their answer from the store,
    `reused` that of an equal one, and `refused` none because a budget was spent. `distinct` inputs
    of windows were asked, `calls` of them reached the model. Token counts are those of the calls;
    `cached_tokens` is the part of `prompt_tokens` that the prefix cache served. The `saved_` ones
    are those of the calls that the store made unnecessary, as they were when they were made.
    `money` is by the price list. `errors` counts distinct inputs by error code.

    Times are summed over tasks: `seconds` from taking a window to handing out its answers; of those
    `worker_seconds` preparing and placing, `queue_seconds` waiting behind the task's window before,
    `engine_seconds` with the engine.
    """

    rows: int = 0
    nulls: int = 0
    skipped: int = 0
    reused: int = 0
    stored: int = 0
    refused: int = 0
    distinct: int = 0
    calls: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    saved_prompt_tokens: int = 0
    saved_cached_tokens: int = 0
    saved_output_tokens: int = 0
    money: float = 0.0
    saved_money: float = 0.0
    errors: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    worker_seconds: float = 0.0
    queue_seconds: float = 0.0
    engine_seconds: float = 0.0

    def __add__(self, other: "Usage") -> "Usage":
        sums = {
            item.name: getattr(self, item.name) + getattr(other, item.name)
            for item in fields(self)
            if item.name != "errors"
        }
        return Usage(**sums, errors=dict(Counter(self.errors) + Counter(other.errors)))

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as plain JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        errors = sum(self.errors.values())
        saved = self.saved_prompt_tokens + self.saved_output_tokens
        worth = f", {self.saved_money:,.2f} money" if self.saved_money else ""
        stored = f"{self.stored:,} answers from the store ({saved:,} tokens{worth} saved) · "
        detail = ", ".join(f"{code} {count:,}" for code, count in sorted(self.errors.items()))
        return (
            f"{self.rows:,} rows · {self.calls:,} distinct prompts · "
            f"{self.prompt_tokens:,} prompt tokens · {self.cached_tokens:,} tokens from cache · "
            f"{self.output_tokens:,} output tokens · "
            + (f"{self.money:,.2f} money · " if self.money else "")
            + (stored if self.stored else "")
            + f"{errors:,} errors"
            + (f" ({detail})" if detail else "")
        )


@dataclass(frozen=True, slots=True)
class PassDone:
    """How many rows of a pass are done, those of unfinished windows included, and of how many."""

    rows: int
    of: int | None


class Ledger:
    """Usage by query, on the driver. Thread-safe.

    A query is named by Spark's SQL execution id. It has a pass for each operator with calls, named
    by these: a call on the answer of another one, or a predicate that is asked only about the rows
    that another one lets pass, is a pass of its own. A query has as many `rows` as that of its
    passes which has most, so that rows which go through several count once; all else is summed.

    Rows of windows that are partly done, and the rows that a pass is known to have, are a view for
    progress and part of no sum.

    Attributes:
        display: held by who shows the progress of this ledger.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queries: dict[str, dict[str, Usage]] = {}
        self.display = threading.Lock()
        self._busy: dict[str, BusyTime] = {}
        self._in_flight: dict[object, tuple[tuple[str, str], int]] = {}
        self._tasks: set[object] = set()
        self._known_rows: dict[tuple[str, str], int | None] = {}
        self._budgets: dict[str, Budget] = {}
        self._spent: set[str] = set()
        self._previews: dict[str, dict[str, tuple[object, list[dict[str, Any]]]]] = {}

    def add(self, query: str, usage: Usage, task: object = None, calls: str = "") -> None:
        """Add a finished window's usage to the pass of its query that makes these calls."""
        with self._lock:
            passes = self._queries.pop(query, {})
            passes[calls] = passes.get(calls, Usage()) + usage
            self._queries[query] = passes
            now = time.monotonic()
            self._busy.setdefault(query, BusyTime()).add(now - usage.engine_seconds, now)
            self._in_flight.pop(task, None)

    def ask_budget(
        self, query: str, limits: Limits, holder: object, wanted: int, ended: Cost
    ) -> Grant:
        """Grant an engine calls from a query's budget, see `Budget.ask`."""
        with self._lock:
            budget = self._budgets.get(query)
            if budget is None:
                budget = self._budgets[query] = Budget(limits)
        grant = budget.ask(holder, wanted, ended)
        if grant.spent is not None and wanted:
            with self._lock:
                is_news = query not in self._spent
                self._spent.add(query)
            if is_news:
                _LOG.warning("%s: the rest of the query's rows have no answer", grant.spent)
        return grant

    def abandon_budgets(self, holder: object) -> None:
        """Settle what an engine that is gone was granted."""
        with self._lock:
            budgets = list(self._budgets.values())
        for budget in budgets:
            budget.abandon(holder)

    def task_began(self, task: object, query: str, calls: str, known_rows: int | None) -> None:
        """Note that a task works on a pass, which has so many rows if that is known."""
        with self._lock:
            self._tasks.add(task)
            self._known_rows[query, calls] = known_rows

    @property
    def tasks(self) -> int:
        """How many tasks are at work."""
        return len(self._tasks)

    def under_way(self, task: object, rows: int, query: str = "", calls: str = "") -> None:
        """Note how many rows of a task's current window are done."""
        with self._lock:
            self._in_flight[task] = (query, calls), rows

    def show(self, preview: str, message: dict[str, Any], task: object) -> None:
        """Keep a prompt that a preview asked for, those of one task for each call."""
        call = repr((message["task"], message["columns"]))
        with self._lock:
            shown = self._previews.setdefault(preview, {}).setdefault(call, (task, []))
            if shown[0] is task:
                shown[1].append(message)

    def take_preview(self, preview: str) -> list[list[dict[str, Any]]]:
        """Return what was told for a preview, for each call its prompts in order, and forget it."""
        with self._lock:
            return [messages for _, messages in self._previews.pop(preview, {}).values()]

    def task_ended(self, task: object) -> None:
        """Note that a task is not at work any more, and forget its rows under way."""
        with self._lock:
            self._tasks.discard(task)
            self._in_flight.pop(task, None)

    @property
    def session(self) -> Usage:
        """Everything so far."""
        with self._lock:
            return sum(map(_of_query, self._queries.values()), Usage())

    @property
    def last(self) -> Usage:
        """The query that reported last."""
        with self._lock:
            return _of_query(next(reversed(self._queries.values()), {}))

    def passes(self) -> list[tuple[str, str, Usage]]:
        """Return each query's name and, for each of its passes, the calls and their usage."""
        with self._lock:
            return [
                (query, calls, usage)
                for query, passes in self._queries.items()
                for calls, usage in passes.items()
            ]

    def busy(self, query: str) -> float:
        """Return for how many seconds some engine had windows of a query."""
        with self._lock:
            return self._busy[query].seconds if query in self._busy else 0.0

    def queries(self) -> list[tuple[Usage, float]]:
        """Return what each query took, and for how many seconds engines were busy with it."""
        with self._lock:
            return [
                (_of_query(passes), self._busy[query].seconds)
                for query, passes in self._queries.items()
            ]

    def forget(self) -> None:
        """Drop what is known of all queries so far, budgets aside."""
        with self._lock:
            self._queries.clear()
            self._busy.clear()

    def passes_done(self) -> dict[tuple[str, str], PassDone]:
        """Return how far each pass is, by query and calls."""
        with self._lock:
            done = dict.fromkeys(self._known_rows, 0)
            for query, passes in self._queries.items():
                for calls, usage in passes.items():
                    done[query, calls] = usage.rows
            for where, rows in self._in_flight.values():
                done[where] = done.get(where, 0) + rows
            return {
                where: PassDone(rows, self._known_rows.get(where)) for where, rows in done.items()
            }


def _of_query(passes: Mapping[str, Usage]) -> Usage:
    rows = max((usage.rows for usage in passes.values()), default=0)
    return replace(sum(passes.values(), Usage()), rows=rows)
