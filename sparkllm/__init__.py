"""LLM calls inside Spark SQL: `SELECT llm('classify', review) FROM t`.

Names are loaded at first use, so that Spark's Python workers import only what they run.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sparkllm import functions
    from sparkllm.progress import progress
    from sparkllm.session import configure, register, session, usage

__all__ = ["configure", "functions", "progress", "register", "session", "usage"]

_HOMES = {
    "configure": "sparkllm.session",
    "progress": "sparkllm.progress",
    "register": "sparkllm.session",
    "session": "sparkllm.session",
    "usage": "sparkllm.session",
}


def __getattr__(name: str) -> Any:
    if name == "functions":
        return import_module("sparkllm.functions")
    if name not in _HOMES:
        raise AttributeError(f"module 'sparkllm' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
