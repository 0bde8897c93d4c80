"""What a caller may choose about a plan."""

from dataclasses import dataclass, field
from typing import Literal

from sparkllm_optimizer.measure import Measure
from sparkllm_optimizer.rendering import Render, Tokenize, render_fields

ColumnOrder = Literal["perGroup", "perQuery", "asWritten"]
Algorithm = Literal["ours", "fixed", "ggr", "ophr", "sorted"]


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """Choices of a plan.

    `column_order` says how far field orders may differ: one for each group of rows, one for all
    rows, or the one of the table. `algorithm` makes the orders per group. `tokenize` and `render`
    make the worth of a cell exact; without a tokenizer it is estimated. `token_seconds` is the time
    the engine takes for a token that no cache serves: the price that further search has to earn.
    """

    column_order: ColumnOrder = "perGroup"
    algorithm: Algorithm = "ours"
    measure: Measure = field(default_factory=Measure)
    tokenize: Tokenize | None = None
    render: Render = render_fields
    token_seconds: float = 2e-4
