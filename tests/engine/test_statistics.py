from collections.abc import Callable

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
