"""One order and even parts for rows of which only a sample is known."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from sparkllm_optimizer.arrangement import sort_rows
from sparkllm_optimizer.cells import weigh
from sparkllm_optimizer.encoding import Integers, encode_table
from sparkllm_optimizer.options import PlanOptions
from sparkllm_optimizer.orders.fixed import best_single_order
from sparkllm_optimizer.partition import cut

_BEAM = 4


def common_order(
    sample: pa.Table, first: Sequence[int] = (), options: PlanOptions | None = None
) -> list[int]:
    """Return the best order of all columns, by position, that begins with `first`."""
    options = options or PlanOptions()
    cells = weigh(encode_table(sample), options.measure, options.tokenize, options.render)
    return list(best_single_order(cells, _BEAM, first=first))


def part_beginnings(sample: pa.Table, order: Sequence[int], parts: int) -> Integers:
    """Return the rows [parts - 1] of a sample that begin parts of equal work.

    Rows are taken in the order of their rendered columns; work is what no cache serves. Parts that
    no row begins are left out.
    """
    cells = weigh(encode_table(sample), PlanOptions().measure)
    pieces = cut(sort_rows(cells, order), cells, parts)
    begins = [piece.rows[0] for piece in pieces[1:] if len(piece.rows)]
    return np.array(begins, np.int64)
