"""What a caller may choose about a plan."""

from dataclasses import dataclass
from typing import Literal

ColumnOrder = Literal["perGroup", "perQuery", "asWritten"]


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """Choices of a plan.

    `column_order` says how far field orders may differ: one for each group of rows, one for all
    rows, or the one of the table.
    """

    column_order: ColumnOrder = "perGroup"
