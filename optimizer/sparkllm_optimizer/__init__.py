"""Which calls to make, on which distinct inputs, in which row and field order."""

from sparkllm_optimizer.cache import RadixCache
from sparkllm_optimizer.dependencies import Dependency, find_dependencies
from sparkllm_optimizer.distinct import Distinct, distinct_rows
from sparkllm_optimizer.hits import Hits, prefix_hits
from sparkllm_optimizer.layout import Layout, choose_layout, data_first
from sparkllm_optimizer.measure import CHARACTERS, SQUARES, Measure
from sparkllm_optimizer.normalisation import Normalisation
from sparkllm_optimizer.options import PlanOptions
from sparkllm_optimizer.partition import Partitioning, partition
from sparkllm_optimizer.plan import Group, Plan
from sparkllm_optimizer.planner import plan
from sparkllm_optimizer.recipe import Recipe, Rule
from sparkllm_optimizer.recipe import apply as apply_recipe
from sparkllm_optimizer.recipe import learn as learn_recipe
from sparkllm_optimizer.sampled import common_order, part_beginnings
from sparkllm_optimizer.warm import Warm

__all__ = [
    "CHARACTERS",
    "SQUARES",
    "Dependency",
    "Distinct",
    "Group",
    "Hits",
    "Layout",
    "Measure",
    "Normalisation",
    "Partitioning",
    "Plan",
    "PlanOptions",
    "RadixCache",
    "Recipe",
    "Rule",
    "Warm",
    "apply_recipe",
    "choose_layout",
    "common_order",
    "data_first",
    "distinct_rows",
    "find_dependencies",
    "learn_recipe",
    "part_beginnings",
    "partition",
    "plan",
    "prefix_hits",
]
