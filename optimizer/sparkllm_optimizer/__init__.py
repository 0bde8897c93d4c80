"""Which calls to make, on which distinct inputs, in which row and field order."""

from sparkllm_optimizer.cache import RadixCache
from sparkllm_optimizer.dependencies import Dependency, find_dependencies
from sparkllm_optimizer.distinct import Distinct, distinct_rows
from sparkllm_optimizer.hits import Hits, prefix_hits
from sparkllm_optimizer.measure import CHARACTERS, SQUARES, Measure
from sparkllm_optimizer.options import PlanOptions
from sparkllm_optimizer.plan import Group, Plan
from sparkllm_optimizer.planner import plan
from sparkllm_optimizer.warm import Warm

__all__ = [
    "CHARACTERS",
    "SQUARES",
    "Dependency",
    "Distinct",
    "Group",
    "Hits",
    "Measure",
    "Plan",
    "PlanOptions",
    "RadixCache",
    "Warm",
    "distinct_rows",
    "find_dependencies",
    "plan",
    "prefix_hits",
]
