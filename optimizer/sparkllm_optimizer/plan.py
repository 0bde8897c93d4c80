"""The answer of the optimizer: which rows to call in which order, with which field order."""

from dataclasses import dataclass

import numpy as np

from sparkllm_optimizer.arrangement import Arrangement, Fields
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

    @property
    def row_ids(self) -> Integers:
        """All row ids in evaluation order."""
        if not self.groups:
            return np.empty(0, np.int64)
        return np.concatenate([group.row_ids for group in self.groups])


def plan_of(arrangement: Arrangement, names: tuple[str, ...]) -> Plan:
    """Cut an arrangement where the field order changes."""
    if len(arrangement.rows) == 0:
        return Plan(())
    fields = arrangement.fields
    cuts = np.flatnonzero((fields[1:] != fields[:-1]).any(1)) + 1
    starts = [0, *cuts.tolist()]
    ends = [*starts[1:], len(arrangement.rows)]
    orders: dict[bytes, tuple[str, ...]] = {}
    groups = []
    for start, end in zip(starts, ends, strict=True):
        key = fields[start].tobytes()
        order = orders.get(key)
        if order is None:
            order = orders[key] = tuple(names[column] for column in fields[start].tolist())
        groups.append(Group(arrangement.rows[start:end], order))
    return Plan(tuple(groups))


def arrangement_of(plan: Plan, names: tuple[str, ...]) -> Arrangement:
    """Write a plan as one field order for each row."""
    place = {name: column for column, name in enumerate(names)}
    fields: Fields = np.empty((sum(len(g.row_ids) for g in plan.groups), len(names)), np.int16)
    start = 0
    for group in plan.groups:
        end = start + len(group.row_ids)
        fields[start:end] = [place[name] for name in group.columns]
        start = end
    return Arrangement(plan.row_ids, fields)
