"""The answer of the optimizer: which rows to call in which order, with which field order."""

from dataclasses import dataclass

from sparkllm_optimizer.encoding import Integers


@dataclass(frozen=True, slots=True)
class Group:
    """Consecutive rows of a plan with one field order.

    `row_ids` [rows] in evaluation order; `columns` a permutation of the table's columns.
    """

    row_ids: Integers
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """Groups in evaluation order; each row id of the table is in exactly one of them."""

    groups: tuple[Group, ...]
