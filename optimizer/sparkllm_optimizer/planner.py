"""The face of the optimizer: a table in, a plan out."""

import numpy as np
import pyarrow as pa

from sparkllm_optimizer.encoding import encode_table
from sparkllm_optimizer.options import PlanOptions
from sparkllm_optimizer.plan import Group, Plan


def plan(table: pa.Table, options: PlanOptions | None = None) -> Plan:
    """Order the rows and fields of a table so that consecutive prompts share long prefixes.

    Every row id is in the plan exactly once, whatever the options.
    """
    encoded = encode_table(table)
    order = np.lexsort(encoded.codes[::-1]) if encoded.codes else np.arange(encoded.rows)
    if encoded.rows == 0:
        return Plan(())
    return Plan((Group(order.astype(np.int64), encoded.names),))
