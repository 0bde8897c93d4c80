"""The hot operations of the engine, each behind one function with a torch reference."""

from sparkllm_kernels.merging import merge_partials
from sparkllm_kernels.segment_attention import attend, attend_partial

__all__ = ["attend", "attend_partial", "merge_partials"]
