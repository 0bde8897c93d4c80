"""In which order the windows of a task are asked."""

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa

from sparkllm_optimizer import Group, PlanOptions, common_order, plan


class WindowPlanner:
    """Plans the windows of one question of a task.

    Values with a slot in the instruction begin the prompts, whatever the order of the fields, so
    rows are sorted by them first. With `perQuery` all rows get the same order of fields: the one
    that the query decided for all tasks, else (without the Catalyst extension) the best one for the
    first window of this task.

    Args:
        options: of the plans.
        order: of the columns, where the query has decided it.
        slots: the columns in the instruction.
    """

    def __init__(
        self,
        options: PlanOptions,
        order: Sequence[str] | None = None,
        slots: Sequence[str] = (),
    ) -> None:
        self._options = options
        self._as_given = replace(options, column_order="asWritten")
        self._order = order
        self._slots = slots

    def groups(self, inputs: pa.Table) -> tuple[Group, ...]:
        """Return the rows of a window in the order to ask them, with their field orders."""
        if self._options.column_order == "perGroup" and not self._slots:
            return plan(inputs, self._options).groups
        return plan(inputs.select(self._order_of(inputs)), self._as_given).groups

    def _order_of(self, inputs: pa.Table) -> list[str]:
        if self._options.column_order == "asWritten":
            order: Sequence[str] = inputs.column_names
        elif self._order is not None:
            order = self._order
        else:
            first = [inputs.column_names.index(name) for name in self._slots]
            best = common_order(inputs, first, self._options)
            order = [inputs.column_names[column] for column in best]
            if self._options.column_order == "perQuery":
                self._order = order
        return [*self._slots, *(name for name in order if name not in self._slots)]
