"""What the layers of one forward pass need to know, bound for just that pass."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from threading import local

from torch import Tensor

from sparkllm_engine.model.plan import AttentionPlans
from sparkllm_engine.model.pool import KeyValuePool


@dataclass(frozen=True, slots=True)
class LogitRows:
    """Rows of hidden states whose logits are wanted.

    Attributes:
        count: rows, taken in order from what reaches the LM head.
        token_ids: the tokens whose logits are wanted, `[u]`; None for the whole vocabulary.
        states: whether they are wanted themselves, and no logits.
    """

    count: int
    token_ids: Tensor | None
    states: bool = False


class Stage(Enum):
    """How far a layer goes: to its end, to its keys and values, or from there."""

    WHOLE = auto()
    KEYS = auto()
    QUERIES = auto()


@dataclass(frozen=True, slots=True)
class AnsweringTokens:
    """The tokens whose logits are wanted.

    Attributes:
        wanted: packed positions, `[n]`.
        plans: their attention alone.
    """

    wanted: Tensor
    plans: AttentionPlans


@dataclass(slots=True)
class ForwardContext:
    """One forward pass: where its keys and values go, what attends what, which logits it gives.

    Attributes:
        pool: of the model.
        plans: attention of all tokens.
        answering: what the last layer computes in full; None for all tokens.
        logits: the logits wanted.
        stage: of the layer under way.
        states: the hidden states that were wanted, `[rows, hidden]`.
    """

    pool: KeyValuePool
    plans: AttentionPlans
    answering: AnsweringTokens | None
    logits: list[LogitRows]
    stage: Stage = Stage.WHOLE
    states: list[Tensor] = field(default_factory=list)


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
