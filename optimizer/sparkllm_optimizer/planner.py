"""The face of the optimizer: a table in, a plan out."""

import pyarrow as pa

from sparkllm_optimizer.arrangement import Arrangement, sort_rows
from sparkllm_optimizer.cells import Cells, weigh
from sparkllm_optimizer.dependencies import closure, find_dependencies
from sparkllm_optimizer.encoding import encode_table
from sparkllm_optimizer.options import Algorithm, PlanOptions
from sparkllm_optimizer.orders.fixed import best_single_order
from sparkllm_optimizer.orders.ggr import GGRStops, ggr
from sparkllm_optimizer.orders.ophr import ophr
from sparkllm_optimizer.orders.ours import Search, ours
from sparkllm_optimizer.plan import Plan, plan_of
from sparkllm_optimizer.warm import Warm, arrange_warm


def plan(table: pa.Table, options: PlanOptions | None = None, warm: Warm | None = None) -> Plan:
    """Order the rows and fields of a table so that consecutive prompts share long prefixes.

    Every row id is in the plan exactly once, whatever the options. `warm` is the window of rows
    that went before, whose prefixes the cache may still hold; the row ids stay those of `table`.
    """
    options = options or PlanOptions()
    empty = warm is None or warm.table.num_rows == 0 or table.num_columns == 0
    if warm is None or empty or options.column_order == "asWritten":
        cells = weigh(encode_table(table), options.measure, options.tokenize, options.render)
        return plan_of(arrange_cells(cells, options), cells.names)
    joined = pa.concat_tables([warm.table, table], promote_options="permissive")
    cells = weigh(encode_table(joined), options.measure, options.tokenize, options.render)
    arrangement = arrange_warm(cells, warm, lambda part: arrange_cells(part, options))
    return plan_of(arrangement, cells.names)


def arrange_cells(cells: Cells, options: PlanOptions) -> Arrangement:
    """Arrange weighed cells by the algorithm and column order of the options."""
    if options.column_order == "asWritten":
        return sort_rows(cells, range(cells.columns))
    if options.column_order == "perQuery":
        return sort_rows(cells, best_single_order(cells))
    return arrange_by(cells, options.algorithm, options)


def arrange_by(
    cells: Cells,
    algorithm: Algorithm,
    options: PlanOptions | None = None,
    stops: GGRStops | None = None,
) -> Arrangement:
    """Arrange weighed cells by one of the algorithms; `stops` are GGR's (None: as published)."""
    if algorithm == "sorted":
        return sort_rows(cells, range(cells.columns))
    if algorithm == "fixed":
        return sort_rows(cells, best_single_order(cells))
    if algorithm == "ggr":
        place = {name: column for column, name in enumerate(cells.names)}
        implied = closure(find_dependencies(cells))
        dependents = {place[name]: [place[n] for n in names] for name, names in implied.items()}
        return ggr(cells, dependents, stops)
    if algorithm == "ophr":
        return ophr(cells)
    if algorithm == "ours":
        return ours(cells, Search((options or PlanOptions()).token_seconds))
    raise ValueError(
        f"unknown algorithm '{algorithm}': there are ours, fixed, ggr, ophr and sorted"
    )
