"""In which order the windows of a task are asked."""

import pyarrow as pa

from sparkllm_optimizer import Group, PlanOptions, Recipe, apply_recipe, learn_recipe, plan


class WindowPlanner:
    """Plans the windows of one question of a task.

    With `perQuery` the first window decides the order of the fields, and all rows of the task get
    the same one: a later window that would be better off with another order doesn't get it.
    """

    def __init__(self, options: PlanOptions) -> None:
        self._options = options
        self._recipe: Recipe | None = None

    def groups(self, inputs: pa.Table) -> tuple[Group, ...]:
        """Return the rows of a window in the order to ask them, with their field orders."""
        if self._options.column_order != "perQuery":
            return plan(inputs, self._options).groups
        if self._recipe is None:
            self._recipe = learn_recipe(inputs, self._options)
        return apply_recipe(self._recipe, inputs, self._options).groups
