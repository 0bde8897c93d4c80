"""LLM calls inside Spark SQL: `SELECT llm('classify', review) FROM t`.

Names are loaded at first use, so that Spark's Python workers import only what they run.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sparkllm import functions, tasks
    from sparkllm.accounting import usage
    from sparkllm.estimates.explanation import explain
    from sparkllm.progress_block import progress
    from sparkllm.prompt_preview import preview
    from sparkllm.sessions import configure, register, session

__all__ = [
    "configure",
    "explain",
    "functions",
    "preview",
    "progress",
    "register",
    "session",
    "tasks",
    "usage",
]

_HOMES = {
    "configure": "sparkllm.sessions",
    "explain": "sparkllm.estimates.explanation",
    "preview": "sparkllm.prompt_preview",
    "progress": "sparkllm.progress_block",
    "register": "sparkllm.sessions",
    "session": "sparkllm.sessions",
    "usage": "sparkllm.accounting",
}


def __getattr__(name: str) -> Any:
    if name in ("functions", "tasks"):
        return import_module(f"sparkllm.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'sparkllm' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
