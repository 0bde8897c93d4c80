"""Generated answers, against transformers' own generation."""

from collections import Counter
from collections.abc import Callable

import pytest
import torch
from transformers import PreTrainedModel

from sparkllm_engine import LLMEngine, Request, SamplingParameters
from sparkllm_engine.decoding import Draw, draw_tokens
from tests.engine.models import FAMILIES, tiny_tokenizer

PROMPTS = [
    "The dress is lovely",
    "The dress is lovely, but the sleeves run small.",
    "Not for me",
    "Great value, I would buy it again and again! " * 3,
    "",
]
GREEDY = SamplingParameters(max_tokens=12)
EngineMaker = Callable[..., LLMEngine]


def greedy(model: PreTrainedModel, prompt: str, max_tokens: int) -> str:
    tokenizer = tiny_tokenizer()
    token_ids = torch.tensor([tokenizer(prompt + "\n")["input_ids"]])
    output = model.generate(
        token_ids, max_new_tokens=max_tokens, do_sample=False, pad_token_id=0, eos_token_id=1
    )
    return str(tokenizer.decode(output[0, token_ids.shape[1] :], skip_special_tokens=True))


@pytest.mark.parametrize("family", list(FAMILIES))
@pytest.mark.parametrize("budget", [7, 256])
def test_greedy_answers_equal_those_of_transformers(
    make_engine: EngineMaker,
    reference: Callable[[str], PreTrainedModel],
    family: str,
    budget: int,
) -> None:
    results = make_engine(family, token_budget=budget).generate(PROMPTS, GREEDY)
    model = reference(family)
    assert [r.text for r in results] == [greedy(model, p, GREEDY.max_tokens) for p in PROMPTS]


def test_an_answer_ends_at_the_end_token_or_at_its_length(make_engine: EngineMaker) -> None:
    results = make_engine().generate(
        PROMPTS * 8, SamplingParameters(max_tokens=40, temperature=3.0, seed=1)
    )
    for result in results:
        assert result.finish_reason == ("length" if result.output_tokens == 40 else "stop")
    some = make_engine().generate(["one"] * 60, SamplingParameters(max_tokens=60, temperature=9.0))
    assert {"stop", "length"} >= {result.finish_reason for result in some}


def test_a_seeded_answer_does_not_depend_on_its_company(make_engine: EngineMaker) -> None:
    sampled = SamplingParameters(max_tokens=10, temperature=1.5, top_k=50, top_p=0.9, seed=7)
    alone = [make_engine().generate([prompt], sampled)[0].text for prompt in PROMPTS]
    together = make_engine(token_budget=11).generate(PROMPTS, sampled)
    assert [result.text for result in together] == alone


def test_answers_do_not_depend_on_what_is_cached(make_engine: EngineMaker) -> None:
    engine = make_engine()
    first = engine.generate(PROMPTS, GREEDY)
    again = engine.generate(PROMPTS, GREEDY)
    assert [result.text for result in again] == [result.text for result in first]
    assert all(result.cached_tokens == result.prompt_tokens - 1 for result in again)


def test_a_reset_cache_has_no_prefixes(make_engine: EngineMaker) -> None:
    engine = make_engine()
    first = engine.generate(PROMPTS, GREEDY)
    engine.reset_prefix_cache()
    assert engine.generate(PROMPTS, GREEDY) == first


def test_equal_prompts_are_computed_once(make_engine: EngineMaker) -> None:
    engine = make_engine(token_budget=256)
    results = engine.generate(["Great value, I would buy it again"] * 8, GREEDY)
    assert len({result.text for result in results}) == 1
    prompt = results[0].prompt_tokens
    assert sorted(r.cached_tokens for r in results) == [0] + [prompt - 1] * 7
    assert engine.statistics()["computed_tokens"] == prompt + 7 + 8 * (GREEDY.max_tokens - 1)


LOGITS = torch.log(torch.tensor([0.5, 0.25, 0.15, 0.1]))


def frequencies(parameters: SamplingParameters, count: int = 4000) -> list[float]:
    draws = [Draw(parameters, position) for position in range(count)]
    drawn = Counter(draw_tokens(LOGITS.expand(count, -1), draws))
    return [drawn[token] / count for token in range(4)]


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        (SamplingParameters(temperature=1.0, seed=3), [0.5, 0.25, 0.15, 0.1]),
        (SamplingParameters(temperature=1.0), [0.5, 0.25, 0.15, 0.1]),
        (SamplingParameters(temperature=0.5, seed=3), [0.725, 0.181, 0.065, 0.029]),
        (SamplingParameters(temperature=1.0, top_k=2, seed=3), [2 / 3, 1 / 3, 0, 0]),
        (SamplingParameters(temperature=1.0, top_p=0.8, seed=3), [5 / 9, 2.5 / 9, 1.5 / 9, 0]),
        (SamplingParameters(temperature=1.0, top_p=0.5, seed=3), [1, 0, 0, 0]),
        (SamplingParameters(temperature=0.0), [1, 0, 0, 0]),
    ],
)
def test_tokens_are_drawn_as_often_as_they_are_likely(
    parameters: SamplingParameters, expected: list[float]
) -> None:
    assert frequencies(parameters) == pytest.approx(expected, abs=0.03)


def test_a_seed_repeats_a_draw_and_positions_differ() -> None:
    one, two = (SamplingParameters(temperature=1.0, seed=seed) for seed in (1, 2))
    draws = [Draw(parameters, position) for parameters in (one, two) for position in range(64)]
    tokens = draw_tokens(LOGITS.expand(128, -1), draws)
    assert tokens == draw_tokens(LOGITS.expand(128, -1), draws)
    assert len({tuple(tokens[:64]), tuple(tokens[64:])}) == 2
    assert len(set(tokens[:64])) > 1


def test_requests_are_pulled_only_as_they_are_needed(make_engine: EngineMaker) -> None:
    pulled = 0

    def source() -> object:
        nonlocal pulled
        for index in range(4000):
            pulled += 1
            yield Request(index, (f"{index} it fades",), SamplingParameters(choices=("a", "b")))

    ahead = [pulled - done for done, _ in enumerate(make_engine().run(source()), 1)]
    assert len(ahead) == 4000
    assert max(ahead) <= 1100
