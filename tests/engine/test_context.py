from collections.abc import Callable

import pytest

from sparkllm_engine import LLMEngine
from sparkllm_engine.model.context import ForwardContext, bind, bound_context


def test_forward_passes_of_one_thread_do_not_nest(make_engine: Callable[..., LLMEngine]) -> None:
    pool = make_engine()._decoder.pool
    context = ForwardContext(pool, None, None, [])  # type: ignore[arg-type]
    with bind(context):
        assert bound_context() is context
        with pytest.raises(RuntimeError, match="don't nest"), bind(context):
            pass
        assert bound_context() is context
    assert bound_context() is None
