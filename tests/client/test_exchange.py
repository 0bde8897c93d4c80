"""What an exchange promises: every prompt answered, in order, as early as possible."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pyarrow as pa
import pytest

from sparkllm.client import EngineError, EngineRefusedError, open_exchange
from sparkllm_engine.server.protocol import RESULT_SCHEMA, Action
from tests.client.scenery import as_json, call, endpoint, eventually, identity, prompts, settings


def test_one_result_for_each_prompt_in_the_order_submitted(directory: Path) -> None:
    texts = [f"row {number}" for number in range(1000)]
    with open_exchange(settings(directory), {}, identity()) as exchange:
        results = exchange.submit(prompts(texts)).result()
    assert results.schema == RESULT_SCHEMA
    assert results["text"].to_pylist() == texts
    assert results["id"].to_pylist() == list(range(1000))


def test_overlapping_windows_keep_their_own_rows_and_order(directory: Path) -> None:
    texts = [[f"row {number} of {window}" for number in range(300)] for window in range(5)]
    with open_exchange(settings(directory, token_budget=7), {}, identity()) as exchange:
        pending = [exchange.submit(prompts(window)) for window in texts]
        answers = [window.result()["text"].to_pylist() for window in reversed(pending)]
    assert answers == texts[::-1]


def test_windows_of_several_batches_and_slices_of_arrays(directory: Path) -> None:
    texts = [f"row {number}" for number in range(20_000)]
    whole = prompts(texts)
    with open_exchange(settings(directory, token_budget=4096), {}, identity()) as exchange:
        pending = exchange.submit(whole.slice(100, 19_000))
        assert pending.result()["text"].to_pylist() == texts[100:19_100]


def test_prompts_may_have_different_numbers_of_pieces(directory: Path) -> None:
    pieces = pa.array(["a", "b", "c", "d"]).dictionary_encode()
    lists = pa.ListArray.from_arrays(pa.array([0, 1, 3, 4], pa.int32()), pieces)
    with open_exchange(settings(directory), {}, identity()) as exchange:
        assert exchange.submit(lists).result()["text"].to_pylist() == ["a", "c", "d"]


def test_an_empty_window_needs_no_engine(directory: Path) -> None:
    with open_exchange(settings(directory, model="missing"), {}, identity()) as exchange:
        assert exchange.submit(prompts([])).result().num_rows == 0


def test_an_error_of_a_row_is_a_result(directory: Path) -> None:
    with open_exchange(settings(directory), {}, identity()) as exchange:
        results = exchange.submit(prompts(["good", "error"])).result()
    assert results["text"].to_pylist() == ["good", None]
    assert results["error_code"].to_pylist() == [None, "TEST_ERROR"]
    assert results["error_message"].to_pylist() == [None, "as told"]


def test_results_arrive_before_the_last_one_is_computed(directory: Path) -> None:
    slow = settings(directory, token_budget=1, max_model_length=20)
    with open_exchange(slow, {}, identity()) as exchange:
        first = exchange.submit(prompts(["early"]))
        second = exchange.submit(prompts([f"late {number}" for number in range(200)]))
        assert first.result()["text"].to_pylist() == ["early"]
        assert not second.is_complete


def test_a_closed_exchange_frees_its_rows_in_the_engine(directory: Path) -> None:
    slow = settings(directory, token_budget=1, max_model_length=50)
    with (
        open_exchange(slow, {}, identity()) as staying,
        open_exchange(slow, {}, identity()) as leaving,
    ):
        staying.submit(prompts(["shared"])).result()
        leaving.submit(prompts([f"unwanted {number}" for number in range(500)]))
        assert eventually(lambda: call(directory, Action.STATISTICS)["waiting"] > 300)
        leaving.close()
        assert eventually(lambda: call(directory, Action.STATISTICS)["waiting"] == 0)
        assert staying.submit(prompts(["still here"])).result()["text"].to_pylist() == [
            "still here"
        ]
        assert call(directory, Action.STATISTICS)["cancelled"] > 300


def test_a_task_that_is_killed_frees_its_rows_in_the_engine(directory: Path) -> None:
    slow = settings(directory, token_budget=1, max_model_length=50)
    arguments = [as_json(slow), str(os.getpid()), "1", "500"]
    with open_exchange(slow, {}, identity()) as staying:
        staying.submit(prompts(["started"])).result()
        daemon = subprocess.Popen([sys.executable, "-m", "tests.client.tasks", *arguments])
        assert eventually(lambda: call(directory, Action.STATISTICS)["waiting"] > 300)
        (task,) = psutil.Process(daemon.pid).children()
        task.kill()
        daemon.wait()
        assert eventually(lambda: call(directory, Action.STATISTICS)["waiting"] == 0)
        assert call(directory, Action.STATISTICS)["cancelled"] > 200


def test_waiting_for_a_window_of_a_closed_exchange_is_an_error(directory: Path) -> None:
    slow = settings(directory, max_model_length=10_000)
    with open_exchange(slow, {}, identity()) as exchange:
        pending = exchange.submit(prompts(["never"]))
    with pytest.raises(EngineError, match="closed"):
        pending.result()
    with pytest.raises(EngineError, match="closed"):
        exchange.submit(prompts(["too late"]))


@pytest.mark.parametrize(
    ("sampling", "sentence"),
    [
        ({"temprature": 1.0}, "unknown sampling parameter 'temprature'"),
        ({"max_tokens": "many"}, "max_tokens can't be 'many'"),
    ],
)
def test_sampling_that_means_nothing_is_refused_with_a_sentence(
    directory: Path, sampling: dict[str, object], sentence: str
) -> None:
    with (
        open_exchange(settings(directory), sampling, identity()) as exchange,
        pytest.raises(EngineRefusedError, match=sentence),
    ):
        exchange.submit(prompts(["a"])).result()
    assert endpoint(directory).process.is_alive()


def test_prompts_of_another_type_are_refused_at_once(directory: Path) -> None:
    with open_exchange(settings(directory), {}, identity()) as exchange:
        with pytest.raises(ValueError, match="are of type list<item: string>"):
            exchange.submit(pa.array([["a"]]).cast(pa.list_(pa.utf8())))
        with pytest.raises(ValueError, match="nulls"):
            exchange.submit(pa.array([None], prompts([]).type))


def test_a_step_that_fails_is_an_error_of_its_rows_only(directory: Path) -> None:
    with open_exchange(settings(directory), {}, identity()) as exchange:
        results = exchange.submit(prompts(["fail"])).result()
        assert results["error_code"].to_pylist() == ["ENGINE"]
        assert "a step went wrong" in results["error_message"][0].as_py()
        after = exchange.submit(prompts(["all is well"])).result()
    assert after["text"].to_pylist() == ["all is well"]


def test_waiting_for_a_while_tells_how_far_the_window_is(directory: Path) -> None:
    slow = settings(directory, token_budget=1, max_model_length=20)
    with open_exchange(slow, {}, identity()) as exchange:
        pending = exchange.submit(prompts([f"row {number}" for number in range(100)]))
        assert not pending.wait(0.0)
        assert eventually(lambda: pending.answered > 10)
        assert pending.answered < 100
        while not pending.wait(0.5):
            pass
        assert pending.answered == 100
