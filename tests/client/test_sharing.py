"""Equal requests are computed once, whoever asks."""

from pathlib import Path

from sparkllm.client import open_exchange
from sparkllm_engine.server.protocol import Action
from tests.client.scenery import call, identity, prompts, settings


def test_equal_prompts_in_flight_from_two_tasks_are_computed_once(directory: Path) -> None:
    slow = settings(directory, token_budget=10, max_model_length=20, answer_bytes=0)
    texts = [f"row {number}" for number in range(200)]
    with (
        open_exchange(slow, {}, identity()) as one,
        open_exchange(slow, {}, identity()) as other,
    ):
        one.submit(prompts(["first"])).result()
        other.submit(prompts(["second"])).result()
        pending = one.submit(prompts(texts)), other.submit(prompts(texts[::-1]))
        first, second = (window.result() for window in pending)
    assert first["text"].to_pylist() == texts
    assert second["text"].to_pylist() == texts[::-1]
    reused = sum(first["reused"].to_pylist()) + sum(second["reused"].to_pylist())
    assert call(directory, Action.STATISTICS)["computed"] == 402 - reused
    assert reused > 100


def test_a_remembered_answer_costs_no_tokens(directory: Path) -> None:
    with open_exchange(settings(directory), {}, identity()) as exchange:
        first = exchange.submit(prompts(["again"])).result().to_pylist()[0]
        second = exchange.submit(prompts(["again"])).result().to_pylist()[0]
    tokens = ("prompt_tokens", "cached_tokens", "output_tokens")
    assert not first["reused"]
    assert [first[name] for name in tokens] == [10, 4, 1]
    assert second["reused"]
    assert [second[name] for name in tokens] == [0, 0, 0]
    assert second["text"] == first["text"]


def test_other_sampling_is_another_request(directory: Path) -> None:
    with (
        open_exchange(settings(directory), {"max_tokens": 1}, identity()) as one,
        open_exchange(settings(directory), {"max_tokens": 2}, identity()) as other,
    ):
        one.submit(prompts(["same"])).result()
        assert other.submit(prompts(["same"])).result()["reused"].to_pylist() == [False]


def test_random_draws_are_not_shared(directory: Path) -> None:
    with open_exchange(settings(directory), {"temperature": 1.0}, identity()) as exchange:
        results = exchange.submit(prompts(["same", "same"])).result()
    assert results["reused"].to_pylist() == [False, False]


def test_seeded_draws_are_shared(directory: Path) -> None:
    sampling = {"temperature": 1.0, "seed": 7}
    with open_exchange(settings(directory), sampling, identity()) as exchange:
        results = exchange.submit(prompts(["same", "same"])).result()
    assert sorted(results["reused"].to_pylist()) == [False, True]


def test_errors_are_not_remembered(directory: Path) -> None:
    with open_exchange(settings(directory), {}, identity()) as exchange:
        exchange.submit(prompts(["error"])).result()
        again = exchange.submit(prompts(["error"])).result()
    assert again["error_code"].to_pylist() == ["TEST_ERROR"]
    assert again["reused"].to_pylist() == [False]


def test_rows_that_another_task_waits_for_outlive_a_client_that_leaves(directory: Path) -> None:
    slow = settings(directory, token_budget=1, max_model_length=20)
    texts = [f"row {number}" for number in range(50)]
    with open_exchange(slow, {}, identity()) as staying:
        with open_exchange(slow, {}, identity()) as leaving:
            leaving.submit(prompts(["go"])).result()
            staying.submit(prompts(["go"])).result()
            leaving.submit(prompts(texts))
            pending = staying.submit(prompts(texts))
        assert pending.result()["text"].to_pylist() == texts
