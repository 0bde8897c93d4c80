"""Which calls to make, on which distinct inputs, in which row and field order."""

from sparkllm_optimizer.distinct import Distinct, distinct_rows
from sparkllm_optimizer.options import PlanOptions
from sparkllm_optimizer.plan import Group, Plan
from sparkllm_optimizer.planner import plan

__all__ = ["Distinct", "Group", "Plan", "PlanOptions", "distinct_rows", "plan"]
