"""What runs next: requests as counters, and the token budget of a step."""

from sparkllm_engine.scheduling.order import ORDERS
from sparkllm_engine.scheduling.scheduler import Chunk, Scheduler
from sparkllm_engine.scheduling.sequence import Sequence

__all__ = ["ORDERS", "Chunk", "Scheduler", "Sequence"]
