"""The simulated cache against the engine's own counts."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import sparkllm_engine.before_torch  # noqa: F401

# isort: split
from transformers import AutoTokenizer

from sparkllm import demo_model
from sparkllm_engine import EngineConfig, LLMEngine, Request, SamplingParameters
from sparkllm_engine.tokenization import PromptTokenizer
from sparkllm_optimizer import Measure, PlanOptions, plan, prefix_hits
from sparkllm_optimizer.rendering import render_fields


def reviews(rows: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    product = rng.integers(0, 6, rows)
    return pa.table(
        {
            "review": [f"number {row} came on day {rng.integers(100)}" for row in range(rows)],
            "product": [f"the lamp of type {p}, made of brass" for p in product],
            "stars": rng.integers(1, 6, rows),
        }
    )


def competing(rows: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    half = rng.random(rows) < 0.5
    return pa.table(
        {
            "city": [f"city number {i if h else 3}" for i, h in enumerate(half)],
            "firm": [f"firm number {3 if h else i}" for i, h in enumerate(half)],
            "open": half,
        }
    )


def sparse(rows: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "note": [None if n < 2 else "a long remark " * n for n in rng.integers(0, 5, rows)],
            "id": np.arange(rows),
        }
    )


@pytest.fixture(scope="module")
def model() -> Path:
    return demo_model.path()


@pytest.mark.parametrize("make", [reviews, competing, sparse])
def test_the_engine_serves_what_the_simulator_counts(
    make: Callable[[int, int], pa.Table], model: Path
) -> None:
    table = make(60, 1)
    tokenizer = PromptTokenizer(AutoTokenizer.from_pretrained(model))

    def tokenize(texts: Sequence[str]) -> list[list[int]]:
        return [tokenizer.encode_text(text) for text in texts]

    # What the template puts before a prompt is shared by all of them, what it puts after by none.
    left, right = tokenizer.encode_prompts([("x",), ("y",)])
    assert not isinstance(left, Exception) and not isinstance(right, Exception)
    before = [a == b for a, b in zip(left, right, strict=True)].index(False)
    options = PlanOptions(measure=Measure(prefix_tokens=before), tokenize=tokenize)
    planned = plan(table, options)
    requests = [
        Request(
            row,
            tuple(render_fields(name, [table[name][row].as_py()])[0] for name in group.columns),
            SamplingParameters(max_tokens=1),
        )
        for group in planned.groups
        for row in group.row_ids.tolist()
    ]
    config = EngineConfig(str(model), dtype="float32", threads=1, cache_bytes=16 << 20)
    results = list(LLMEngine(config).run(requests))
    assert {result.finish_reason for result in results} <= {"stop", "length"}
    hits = prefix_hits(planned, table, options)
    served = sum(result.cached_tokens for result in results)
    asked = sum(result.prompt_tokens for result in results)
    assert asked == hits.prompt + (tokenizer.overhead - before) * len(results)
    assert served == hits.cached
