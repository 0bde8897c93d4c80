"""Equal requests are computed once, whoever asks."""

from pathlib import Path

import pytest

from sparkllm.client import open_exchange
from sparkllm_engine.server.protocol import Action
from tests.client.scenery import call, engines, identity, prompts, settings


def test_equal_prompts_in_flight_from_two_tasks_are_computed_once(directory: Path) -> None:
    slow = settings(directory, token_budget=10, max_model_length=20, store_memory_bytes=0)
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


def test_a_stored_answer_is_no_call_and_tells_the_tokens_of_the_one_it_saves(
    directory: Path,
) -> None:
    with open_exchange(settings(directory), {}, identity()) as exchange:
        first = exchange.submit(prompts(["again"])).result().to_pylist()[0]
        second = exchange.submit(prompts(["again"])).result().to_pylist()[0]
    assert not first["reused"]
    assert second["reused"]
    changed = {"reused", "stored", "id"}
    assert [second[name] for name in second if name not in changed] == [
        first[name] for name in first if name not in changed
    ]
    assert [result["stored"] for result in (first, second)] == [False, True]
    assert [second[name] for name in ("prompt_tokens", "cached_tokens", "output_tokens")] == [
        10, 4, 1,
    ]  # fmt: skip


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
    assert results["stored"].to_pylist() == [False, False]
    assert sorted(results["prompt_tokens"].to_pylist()) == [0, 10]


def test_errors_are_not_remembered(directory: Path) -> None:
    with open_exchange(settings(directory), {}, identity()) as exchange:
        exchange.submit(prompts(["error"])).result()
        again = exchange.submit(prompts(["error"])).result()
    assert again["error_code"].to_pylist() == ["TEST_ERROR"]
    assert again["reused"].to_pylist() == [False]


def test_another_engine_process_has_the_answers_of_the_one_before(directory: Path) -> None:
    kept = settings(directory, store_path=str(directory / "store"))
    texts = [f"row {number}" for number in range(100)]
    with open_exchange(kept, {}, identity()) as exchange:
        exchange.submit(prompts(texts)).result()
    (process,) = engines(directory)
    process.kill()
    process.wait()
    with open_exchange(kept, {}, identity()) as exchange:
        results = exchange.submit(prompts(texts)).result()
    assert results["text"].to_pylist() == texts
    assert all(results["stored"].to_pylist())
    assert call(directory, Action.STATISTICS)["computed"] == 0


def test_another_model_does_not_have_the_answers(directory: Path) -> None:
    for model, stored in ("one", False), ("other", False), ("one", True):
        kept = settings(directory, store_path=str(directory / "store"), model=model)
        with open_exchange(kept, {}, identity()) as exchange:
            results = exchange.submit(prompts(["row"])).result()
        assert results["stored"].to_pylist() == [stored]
        for process in engines(directory):
            process.kill()
            process.wait()


def test_a_store_that_cannot_be_written_is_a_warning(
    directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (directory / "file").touch()
    blocked = settings(directory, store_path=str(directory / "file" / "store"))
    with open_exchange(blocked, {}, identity()) as exchange:
        assert exchange.submit(prompts(["row"])).result()["text"].to_pylist() == ["row"]
    assert "can't be used, answers are kept nowhere" in caplog.text


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
