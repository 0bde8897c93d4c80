"""With threads to spare, the next requests are tokenised while the model computes."""

import threading
from collections.abc import Callable, Sequence

import pytest

from sparkllm_engine import LLMEngine, Request, Result, SamplingParameters, engine
from sparkllm_engine.pieces import Tokens
from sparkllm_engine.tokenizing_ahead import TokenizingAhead

EngineMaker = Callable[..., LLMEngine]
SHORT = SamplingParameters(max_tokens=2, min_tokens=2)
REQUESTS = [Request(i, (f"The dress is lovely, number {i}",), SHORT) for i in range(20)]


@pytest.fixture(autouse=True)
def few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_READY", 4)


@pytest.fixture
def held(make_engine: EngineMaker) -> tuple[LLMEngine, threading.Event]:
    """An engine that tokenises ahead only once the event is set."""
    made = make_engine(threads=2)
    assert made._ahead is not None
    go, encode = threading.Event(), made._ahead._encode

    def held_encode(requests: Sequence[Request]) -> list[Tokens | Exception]:
        assert go.wait(60)
        return encode(requests)

    made._ahead = TokenizingAhead(held_encode)
    for request in REQUESTS:
        made.add(request)
    return made, go


def finish(made: LLMEngine) -> list[Result]:
    results = []
    while made.has_unfinished:
        results += made.step()
    return results


def test_steps_go_on_while_the_next_requests_are_tokenised(
    held: tuple[LLMEngine, threading.Event],
) -> None:
    made, go = held
    assert made._ahead is not None
    # Nobody has let the next four be tokenised, and yet the model has computed.
    assert not made.step()
    assert made._ahead.requests == 4
    assert made.statistics()["computed_tokens"] > 0
    go.set()
    assert sorted(result.id for result in finish(made)) == list(range(20))


def test_answers_are_those_of_an_engine_that_tokenises_in_between(make_engine: EngineMaker) -> None:
    assert make_engine(threads=1)._ahead is None
    one, two = (
        sorted(make_engine(threads=threads).run(REQUESTS), key=lambda result: result.id)
        for threads in (1, 2)
    )
    assert [result.text for result in one] == [result.text for result in two]


def test_requests_on_their_way_through_the_tokenizer_can_be_cancelled(
    held: tuple[LLMEngine, threading.Event],
) -> None:
    made, go = held
    made.step()
    made.cancel([4, 5, 19])
    made.cancel([4])
    go.set()
    reasons = {result.id: result.finish_reason for result in finish(made)}
    assert {i for i, reason in reasons.items() if reason == "cancelled"} == {4, 5, 19}
    assert sorted(reasons) == list(range(20))


def test_a_tokenizer_that_breaks_ends_a_step_and_not_the_engine() -> None:
    def broken(_: Sequence[Request]) -> list[Tokens | Exception]:
        raise MemoryError("no room")

    ahead = TokenizingAhead(broken)
    ahead.start(REQUESTS[:2])
    with pytest.raises(MemoryError):
        ahead.take()
    assert not ahead.requests
