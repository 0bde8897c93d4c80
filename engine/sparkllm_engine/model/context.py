"""What the layers of one forward pass need to know, bound for just that pass."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

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


_bound: ForwardContext | None = None


@contextmanager
def bind(context: ForwardContext) -> Iterator[None]:
    """Bind a context for one forward pass.

    Raises:
        RuntimeError: a forward pass is under way already.
    """
    global _bound  # noqa: PLW0603
    if _bound is not None:
        raise RuntimeError("a forward pass is under way: contexts don't nest")
    _bound = context
    try:
        yield
    finally:
        _bound = None


def bound_context() -> ForwardContext | None:
    """Return the context of the forward pass under way, None outside of one."""
    return _bound
