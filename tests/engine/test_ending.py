"""Where generated answers end: stop strings, least tokens; and how sure the model was of them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedModel

from sparkllm_engine import LLMEngine, Request, SamplingParameters
from sparkllm_engine.decoding.stopping import stopped_text
from tests.engine.models import tiny_tokenizer

EngineMaker = Callable[..., LLMEngine]
PROMPTS = ["The dress is lovely", "Not for me", "Great value, I would buy it again"]
FREE = SamplingParameters(max_tokens=40)


def test_a_stop_string_ends_an_answer_before_it(make_engine: EngineMaker) -> None:
    for prompt in PROMPTS:
        (free,) = make_engine().generate([prompt], FREE)
        text = free.text or ""
        stop = text[len(text) // 2 : len(text) // 2 + 3]
        (stopped,) = make_engine().generate([prompt], SamplingParameters(40, stop=(stop, "\x00")))
        assert stopped.text == text[: text.index(stop)]
        assert stopped.finish_reason == "stop"
        assert stopped.output_tokens <= free.output_tokens


def test_an_answer_without_its_stop_string_is_whole(make_engine: EngineMaker) -> None:
    (free,) = make_engine().generate(PROMPTS[:1], FREE)
    (other,) = make_engine().generate(PROMPTS[:1], SamplingParameters(40, stop=("\x00\x01",)))
    assert (other.text, other.finish_reason) == (free.text, free.finish_reason)


def test_stop_strings_do_not_count_within_the_least_tokens(make_engine: EngineMaker) -> None:
    (free,) = make_engine().generate(PROMPTS[:1], FREE)
    first = (free.text or "")[0]
    parameters = SamplingParameters(40, min_tokens=10, stop=(first,))
    (result,) = make_engine().generate(PROMPTS[:1], parameters)
    assert result.output_tokens >= 10


def test_the_end_token_is_not_drawn_within_the_least_tokens(make_engine: EngineMaker) -> None:
    def lengths(least: int) -> list[int]:
        wild = SamplingParameters(max_tokens=60, min_tokens=least, temperature=9.0)
        requests = [Request(i, (PROMPTS[0],), replace(wild, seed=i)) for i in range(60)]
        return [result.output_tokens for result in make_engine(token_budget=256).run(requests)]

    assert min(lengths(0)) < 30
    assert 30 <= min(lengths(30)) < 60


@given(
    pieces=st.lists(st.sampled_from(["a", "b", "ab", " ", "é", "::"]), min_size=1, max_size=30),
    stop=st.lists(st.sampled_from(["a", "bb", "b a", "é:", ":::"]), min_size=1, max_size=3),
    least=st.integers(0, 12),
)
def test_stop_strings_are_found_as_if_the_whole_text_was_searched_each_time(
    pieces: list[str], stop: list[str], least: int
) -> None:
    """The oracle looks at the whole text after each token."""

    def decode(tokens: Sequence[int]) -> str:
        return "".join(pieces[token] for token in tokens)

    early = len(decode(range(min(least, len(pieces)))))
    for count in range(1, len(pieces) + 1):
        text = decode(range(count))
        cuts = [
            start
            for string in stop
            for start in range(len(text))
            if text.startswith(string, start) and start + len(string) > early
        ]
        expected = text[: min(cuts)] if cuts and count > least else None
        assert stopped_text(list(range(count)), 1, stop, least, decode) == expected
        if expected is not None:
            return


def test_logprobs_are_those_of_transformers(
    make_engine: EngineMaker, reference: Callable[[str], PreTrainedModel]
) -> None:
    parameters = SamplingParameters(max_tokens=8, logprobs=3, temperature=0.7, top_k=5, seed=1)
    for result in make_engine().generate(PROMPTS, parameters):
        tokenizer = tiny_tokenizer()
        prompt = tokenizer(PROMPTS[result.id] + "\n")["input_ids"]
        answer = [entry.token for entry in result.logprobs]
        assert len(answer) == result.output_tokens
        assert "".join(entry.text for entry in result.logprobs) == result.text
        with torch.inference_mode():
            logits = reference("llama")(torch.tensor([[*prompt, *answer]])).logits[0]
        expected = torch.log_softmax(logits.double(), dim=-1)[len(prompt) - 1 :]
        for position, entry in enumerate(result.logprobs):
            assert entry.logprob == pytest.approx(float(expected[position, entry.token]), abs=1e-4)
            top = expected[position].topk(3)
            assert [rival.token for rival in entry.top] == top.indices.tolist()
            assert [r.logprob for r in entry.top] == pytest.approx(top.values.tolist(), abs=1e-4)


def test_a_token_that_must_follow_is_certain(make_engine: EngineMaker) -> None:
    (result,) = make_engine().generate(
        PROMPTS[:1], SamplingParameters(regex="it (itches|fades)!", logprobs=2)
    )
    assert "".join(entry.text for entry in result.logprobs) == result.text
    assert len(result.logprobs) == result.output_tokens
    assert all(entry.logprob <= 0 for entry in result.logprobs)
    assert result.logprobs[0].logprob == 0.0
    for entry in result.logprobs:
        assert all(a.logprob >= b.logprob for a, b in pairwise(entry.top))


def test_no_logprobs_unless_asked_for(make_engine: EngineMaker) -> None:
    assert make_engine().generate(PROMPTS[:1], FREE)[0].logprobs == ()
    (result,) = make_engine().generate(PROMPTS[:1], SamplingParameters(max_tokens=3, logprobs=0))
    assert len(result.logprobs) == result.output_tokens
    assert all(entry.top == () for entry in result.logprobs)
