"""Cutting a plan into parts for several executors."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sparkllm_optimizer.arrangement import Arrangement, saved_by_row
from sparkllm_optimizer.cells import Cells, weigh
from sparkllm_optimizer.encoding import Integers, encode_table
from sparkllm_optimizer.options import PlanOptions
from sparkllm_optimizer.plan import Plan, arrangement_of, plan_of

_SLACK = 0.05


@dataclass(frozen=True, slots=True)
class Partitioning:
    """Parts of a plan, one for each executor.

    `computed` is what each part leaves to compute (in the measure's unit) when it starts with an
    empty cache; `lost` what the cuts cost together.
    """

    parts: tuple[Plan, ...]
    computed: tuple[int, ...]
    lost: int

    @property
    def balance(self) -> float:
        """Largest part over the mean, in units to compute: 1.0 is even."""
        total = sum(self.computed)
        return max(self.computed) * len(self.computed) / total if total else 1.0


def partition(
    plan: Plan, table: pa.Table, parts: int, options: PlanOptions | None = None
) -> Partitioning:
    """Cut a plan into parts with about equal work and few lost hits.

    A plan walks its radix tree depth first, so a cut costs the prefix that the two rows beside it
    share and nothing else, however many rows have that prefix: hot prefixes may be cut. Each cut is
    the cheapest within 5% of a part around its even place. The aim is D2LPM's (arXiv 2501.14312):
    balance and locality, here known beforehand.
    """
    options = options or PlanOptions()
    cells = weigh(encode_table(table), options.measure, options.tokenize, options.render)
    pieces = cut(arrangement_of(plan, cells.names), cells, parts, options.measure.prefix_tokens)
    saved = [saved_by_row(piece, cells) for piece in pieces]
    work = [_work(piece, cells, options.measure.prefix_tokens) for piece in pieces]
    computed = [int(w.sum() - s.sum()) for w, s in zip(work, saved, strict=True)]
    whole = int(saved_by_row(arrangement_of(plan, cells.names), cells).sum())
    lost = whole - sum(int(s.sum()) for s in saved)
    return Partitioning(
        tuple(plan_of(piece, cells.names) for piece in pieces), tuple(computed), lost
    )


def cut(
    arrangement: Arrangement, cells: Cells, parts: int, prefix_tokens: int = 0
) -> list[Arrangement]:
    """Cut weighed rows in evaluation order into parts: see `partition`."""
    if parts < 1:
        raise ValueError(f"a plan is cut into at least 1 part, not {parts}")
    saved = saved_by_row(arrangement, cells)
    work = _work(arrangement, cells, prefix_tokens) - saved
    cuts = _cuts(np.cumsum(work), saved, parts)
    bounds = zip([0, *cuts], [*cuts, len(arrangement.rows)], strict=True)
    return [
        Arrangement(arrangement.rows[start:end], arrangement.fields[start:end])
        for start, end in bounds
    ]


def _work(arrangement: Arrangement, cells: Cells, prefix_tokens: int) -> Integers:
    """The units of each row's prompt in evaluation order; the common prefix is served."""
    whole: Integers = cells.take(arrangement.rows).weights().sum(1, dtype=np.int64)
    if prefix_tokens and len(whole):
        whole[0] += prefix_tokens
    return whole


def _cuts(done: Integers, saved: Integers, parts: int) -> list[int]:
    """Rows before which to cut, ascending; `done` is the work up to and with each row."""
    total = int(done[-1]) if len(done) else 0
    cuts: list[int] = []
    for index in range(1, parts):
        even = total * index / parts
        slack = total / parts * _SLACK
        low = int(np.searchsorted(done, even - slack, side="left")) + 1
        high = int(np.searchsorted(done, even + slack, side="left")) + 1
        low = min(max(low, cuts[-1] if cuts else 0), len(done))
        high = min(max(high, low), len(done))
        middle = int(np.searchsorted(done, even, side="left")) + 1
        if low >= high:
            cuts.append(min(max(middle, low), len(done)))
        else:
            cuts.append(low + int(np.argmin(saved[low:high])))
    return cuts
