"""One result for every request, whatever is wrong with it, with the pool, or with the model."""

from collections.abc import Callable
from itertools import islice

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sparkllm_engine import LLMEngine, Request, Result, SamplingParameters
from sparkllm_engine.model import Decoder, PackedRow, RowLogits

EngineMaker = Callable[..., LLMEngine]
LABELS = SamplingParameters(choices=("positive", "negative", "neutral"))
GREEDY = SamplingParameters(max_tokens=6)
SHORT = SamplingParameters(max_tokens=2)
PROMPTS = [f"{index % 7} The dress is lovely, number {index}" for index in range(30)]
# Keys and values of a token of the tiny llama: 2 layers, 2 heads of 8 numbers of 4 bytes, twice.
TOKEN_BYTES = 2 * 2 * 8 * 4 * 2


def answers(results: list[Result]) -> list[str | None]:
    return [result.text for result in results]


@pytest.fixture
def engine(make_engine: EngineMaker) -> LLMEngine:
    return make_engine()


@pytest.mark.parametrize("parameters", [LABELS, GREEDY])
def test_a_pool_of_two_requests_gives_the_same_answers(
    make_engine: EngineMaker, parameters: SamplingParameters
) -> None:
    expected = make_engine().generate(PROMPTS, parameters)
    size = max(result.prompt_tokens for result in expected) + parameters.max_tokens
    small = make_engine(cache_bytes=2 * size * TOKEN_BYTES)
    assert answers(small.generate(PROMPTS, parameters)) == answers(expected)


def test_a_pool_of_two_requests_answers_a_thousand_rows_within_its_bytes(
    make_engine: EngineMaker,
) -> None:
    rows = [(f"{i % 7} The dress is lovely, number {i % 250}",) for i in range(1000)]
    requests = [Request(i, row, (LABELS, SHORT)[i % 2]) for i, row in enumerate(rows)]
    expected = {result.id: result for result in make_engine(token_budget=512).run(requests)}
    tokens = 2 * (max(result.prompt_tokens for result in expected.values()) + SHORT.max_tokens)
    engine = make_engine(cache_bytes=tokens * TOKEN_BYTES)
    cache = engine._scheduler._cache
    assert cache.total == tokens
    source = iter(requests)
    results: list[Result] = []
    while True:
        for request in islice(source, 64 - len(engine._inbox) - engine._scheduler.waiting):
            engine.add(request)
        if not engine.has_unfinished:
            break
        results += engine.step()
        assert cache.free + cache.cached + cache.held == tokens
    assert {result.id: result.text for result in results} == {
        index: result.text for index, result in expected.items()
    }
    assert cache.held == 0


def test_answers_that_outgrow_the_pool_are_recomputed(make_engine: EngineMaker) -> None:
    long = SamplingParameters(max_tokens=150)
    expected = make_engine(token_budget=512).generate(PROMPTS[:6], long)
    small = make_engine(cache_bytes=260 * TOKEN_BYTES)
    assert answers(small.generate(PROMPTS[:6], long)) == answers(expected)
    assert small.statistics()["computed_tokens"] > sum(
        r.prompt_tokens + r.output_tokens for r in expected
    )


def test_a_prompt_that_is_too_long_is_an_error_and_the_others_finish(engine: LLMEngine) -> None:
    results = engine.generate(["Great", "it itches " * 400, "Not for me"], GREEDY)
    assert [result.error_code for result in results] == [None, "OVERFLOW", None]
    message = results[1].error_message or ""
    assert str(results[1].prompt_tokens) in message
    assert "at most 255 fit" in message
    assert "max_model_length" in message


def test_a_prompt_that_the_pool_cannot_hold_says_so(make_engine: EngineMaker) -> None:
    engine = make_engine(cache_bytes=20 * TOKEN_BYTES)
    results = engine.generate(["it itches " * 40, "Great"], LABELS)
    assert [result.error_code for result in results] == ["OVERFLOW", None]
    assert "cache_bytes" in (results[0].error_message or "")


def test_an_answer_is_cut_where_the_context_ends(engine: LLMEngine) -> None:
    (result,) = engine.generate(["it itches " * 60], SamplingParameters(max_tokens=500))
    assert result.finish_reason in ("length", "stop")
    assert result.prompt_tokens + result.output_tokens <= 256


@pytest.mark.parametrize(
    ("pieces", "code"),
    [
        (("Great \ud800",), "INVALID_INPUT"),
        (("Great", None), "INVALID_INPUT"),
        (("Great", 5), "INVALID_INPUT"),
    ],
)
def test_a_bad_row_is_an_error_of_its_own(
    engine: LLMEngine, pieces: tuple[str, ...], code: str
) -> None:
    requests = [Request(1, ("Great",), LABELS), Request(2, pieces, LABELS)]
    results = {result.id: result for result in engine.run(requests)}
    assert (results[1].error_code, results[2].error_code) == (None, code)


@pytest.mark.parametrize(
    "parameters",
    [
        SamplingParameters(max_tokens=0),
        SamplingParameters(temperature=-1.0),
        SamplingParameters(temperature=float("nan")),
        SamplingParameters(top_k=-1),
        SamplingParameters(top_p=0.0),
        SamplingParameters(seed=-1),
        SamplingParameters(choices=("itches and fades " * 40 + "a", "itches and fades " * 40)),
    ],
)
def test_parameters_that_make_no_sense_are_errors(
    engine: LLMEngine, parameters: SamplingParameters
) -> None:
    (result,) = engine.generate(["Great"], parameters)
    assert (result.finish_reason, result.error_code) == ("error", "INVALID_CALL")


def test_cancelled_requests_end_and_the_others_finish(engine: LLMEngine) -> None:
    expected = engine.generate(PROMPTS, GREEDY)
    for index, prompt in enumerate(PROMPTS):
        engine.add(Request(index, (prompt,), GREEDY))
    results = engine.step()
    engine.cancel(range(0, 30, 3))
    while engine.has_unfinished:
        results += engine.step()
    by_id = {result.id: result for result in results}
    assert len(results) == len(by_id) == 30
    for index in range(30):
        if index % 3 == 0:
            assert by_id[index].finish_reason == "cancelled"
        else:
            assert by_id[index].text == expected[index].text


def test_a_row_that_the_model_fails_on_costs_no_other(
    make_engine: EngineMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = answers(make_engine().generate(PROMPTS, GREEDY))
    engine = make_engine()
    forward = Decoder.forward
    poison = engine._tokenizer.encode_text("17")[-1]

    def failing(self: Decoder, rows: list[PackedRow]) -> list[RowLogits]:
        if any(poison in row.token_ids for row in rows):
            raise RuntimeError("out of memory")
        return forward(self, rows)

    poisoned = [poison in engine._tokenizer.encode_text(prompt) for prompt in PROMPTS]
    assert 0 < sum(poisoned) < len(PROMPTS)
    monkeypatch.setattr(Decoder, "forward", failing)
    results = engine.generate(PROMPTS, GREEDY)
    for result, text, bad in zip(results, expected, poisoned, strict=True):
        if bad:
            assert result.error_code == "ENGINE"
            assert "out of memory" in (result.error_message or "")
        elif result.error_code is None:
            assert result.text == text
    monkeypatch.undo()
    assert answers(engine.generate(PROMPTS, GREEDY)) == expected


def test_results_do_not_depend_on_the_rows_beside_them(make_engine: EngineMaker) -> None:
    together = make_engine(token_budget=300).generate(PROMPTS, LABELS)
    for prompt, result in zip(PROMPTS[::5], together[::5], strict=True):
        (alone,) = make_engine().generate([prompt], LABELS)
        assert alone.probabilities == pytest.approx(result.probabilities, abs=1e-5)


texts = st.one_of(
    st.sampled_from(["", "Great", "it itches " * 300, "bad \udfff", "The dress is lovely" * 3]),
    st.text(max_size=60),
)
parameters = st.one_of(
    st.just(LABELS),
    st.builds(
        SamplingParameters,
        max_tokens=st.integers(0, 9),
        temperature=st.sampled_from([0.0, 1.0]),
        seed=st.none() | st.integers(0, 9),
    ),
    st.builds(
        SamplingParameters,
        max_tokens=st.integers(1, 30),
        regex=st.sampled_from(["", "[0-9]{1,9}", "it fades", "(", "((a{1,1000}){1,1000}){1,1000}"]),
        stop=st.sampled_from([(), ("e",), ("it",), ("",)]),
        min_tokens=st.integers(0, 3),
        logprobs=st.none() | st.integers(-1, 2),
    ),
    st.builds(
        SamplingParameters,
        max_tokens=st.integers(1, 30),
        json_schema=st.sampled_from(["{}", '{"enum": ["good", "bad"]}', "nonsense"]),
        temperature=st.sampled_from([0.0, 1.0]),
    ),
    st.builds(
        SamplingParameters,
        choices=st.lists(st.text(max_size=8), min_size=1, max_size=4).map(tuple),
    ),
)


@given(
    rows=st.lists(st.tuples(texts, parameters), max_size=25),
    cancelled=st.sets(st.integers(0, 24)),
    when=st.integers(0, 5),
    budget=st.sampled_from([1, 16, 200]),
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_every_request_yields_exactly_one_result(
    make_engine: EngineMaker,
    rows: list[tuple[str, SamplingParameters]],
    cancelled: set[int],
    when: int,
    budget: int,
) -> None:
    engine = _engines.setdefault(
        budget, make_engine(token_budget=budget, cache_bytes=90 * TOKEN_BYTES)
    )
    for index, (text, row_parameters) in enumerate(rows):
        engine.add(Request(index, (text,), row_parameters))
    results = []
    for step in range(100_000):
        if step == when:
            engine.cancel(cancelled)
        if not engine.has_unfinished:
            break
        results += engine.step()
    assert sorted(result.id for result in results) == list(range(len(rows)))
    for result in results:
        assert (result.text is None) == (result.finish_reason in ("error", "cancelled"))
        assert (result.error_code is None) == (result.finish_reason != "error")


_engines: dict[int, LLMEngine] = {}
