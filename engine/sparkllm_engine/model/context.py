"""What the layers of one forward pass need to know, bound for just that pass."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import local

from torch import Tensor

from sparkllm_engine.model.plan import AttentionPlan
from sparkllm_engine.model.pool import KeyValuePool


@dataclass(frozen=True, slots=True)
class LogitRows:
    """Rows of hidden states whose logits are wanted.

    Attributes:
        count: rows, taken in order from what reaches the LM head.
        token_ids: the tokens whose logits are wanted, `[u]`; None for the whole vocabulary.
    """

    count: int
    token_ids: Tensor | None


@dataclass(frozen=True, slots=True)
class ForwardContext:
    """One forward pass: where its keys and values go, what attends what, which logits it gives."""

    pool: KeyValuePool
    plan: AttentionPlan
    logits: list[LogitRows]


_thread = local()


@contextmanager
def bind(context: ForwardContext) -> Iterator[None]:
    """Bind a context for one forward pass of this thread.

    Raises:
        RuntimeError: this thread has a forward pass under way already.
    """
    if bound_context() is not None:
        raise RuntimeError("a forward pass is under way on this thread: contexts don't nest")
    _thread.context = context
    try:
        yield
    finally:
        _thread.context = None


def bound_context() -> ForwardContext | None:
    """Return the context of this thread's forward pass, None outside of one."""
    context: ForwardContext | None = getattr(_thread, "context", None)
    return context
