from collections.abc import Callable

import pytest
from torch.utils.flop_counter import FlopCounterMode

from sparkllm_engine import LLMEngine, SamplingParameters


def test_the_counts_add_up(make_engine: Callable[..., LLMEngine]) -> None:
    engine = make_engine()
    prompts = [f"The dress is lovely, number {index}" for index in range(20)] + ["it " * 400]
    results = engine.generate(prompts, SamplingParameters(max_tokens=5))
    counts = engine.statistics()
    answered = [result for result in results if result.error_code is None]
    assert (counts["requests"], counts["errors"]) == (21, 1)
    for name in ("prompt_tokens", "cached_tokens", "output_tokens"):
        assert counts[name] == sum(getattr(result, name) for result in results)
    ended = sum(result.finish_reason == "length" for result in answered)
    computed = sum(r.prompt_tokens - r.cached_tokens + r.output_tokens for r in answered) - ended
    assert counts["computed_tokens"] == computed
    assert all(counts[f"{phase}_seconds"] > 0 for phase in ("tokenize", "schedule", "forward"))


@pytest.mark.parametrize("family", ["llama", "qwen3", "gemma2", "gpt_neox"])
def test_the_work_counted_is_what_torch_counts_but_for_masked_scores(
    make_engine: Callable[..., LLMEngine], family: str
) -> None:
    engine = make_engine(family)
    with FlopCounterMode(display=False) as counter:
        engine.generate(["The dress is lovely " * 3], SamplingParameters(max_tokens=3))
    counted = {str(name): flops for name, flops in counter.get_flop_counts()["Global"].items()}
    # The last layer's queries of tokens whose logits nobody wants need not have been computed.
    linear = 0.95 * (counted.get("aten.mm", 0) + counted.get("aten.addmm", 0))
    assert linear < engine.statistics()["flops"] < sum(counted.values())


def test_rates_stand_beside_the_peak_once_it_was_measured(
    make_engine: Callable[..., LLMEngine],
) -> None:
    engine = make_engine()
    engine.generate(["Great"], SamplingParameters(max_tokens=5))
    assert "peak_gflops" not in engine.statistics()
    engine.measure_peak()
    counts = engine.statistics()
    assert 0 < counts["gflops"] < counts["peak_gflops"]
    assert counts["gigabytes_per_second"] > 0
    assert counts["peak_gigabytes_per_second"] > 0.1
