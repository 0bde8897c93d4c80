"""The functions of sparkllm for the DataFrame API, named as in SQL."""

from sparkllm.functions.llm import llm

__all__ = ["llm"]
