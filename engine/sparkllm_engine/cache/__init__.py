"""The prefix cache: a radix tree over token ids above a pool of key and value slots."""

from sparkllm_engine.cache.prefix_cache import PrefixCache
from sparkllm_engine.cache.radix_tree import Node

__all__ = ["Node", "PrefixCache"]
