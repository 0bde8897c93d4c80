"""Whatever happens to the engine, each row is answered or ends in an error, in bounded time."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from sparkllm import demo_model
from sparkllm.client import EngineCrashError, EngineStartError, open_exchange
from sparkllm.client.files import EngineFiles
from sparkllm_engine.errors import RowErrorCode
from sparkllm_engine.server.protocol import Action
from tests.client.scenery import (
    as_json,
    call,
    endpoint,
    engines,
    eventually,
    identity,
    prompts,
    settings,
)

pytestmark = pytest.mark.timeout(180)


def files_of(directory: Path, **changes: object) -> EngineFiles:
    engine = settings(directory, **changes)
    return EngineFiles.of(engine.directory, os.getpid(), engine.process_json())


def with_errors(texts: list[str], bad: str) -> list[str | None]:
    return [None if text == bad else text for text in texts]


def test_a_row_that_kills_the_engine_is_quarantined_and_the_rest_goes_on(directory: Path) -> None:
    texts = [f"row {number}" for number in range(300)]
    texts[200] = "poison"
    with open_exchange(settings(directory, max_restarts=3), {}, identity()) as exchange:
        results = exchange.submit(prompts(texts)).result()
    assert results["text"].to_pylist() == with_errors(texts, "poison")
    assert results["error_code"][200].as_py() == RowErrorCode.QUARANTINED
    assert "died" not in (results["error_message"][199].as_py() or "")
    (log,) = directory.glob("*/*.log")
    assert log.read_text().count("ready:") == 4


def test_a_quarantined_row_is_not_sent_to_the_engine_again(directory: Path) -> None:
    for _ in range(2):
        with open_exchange(settings(directory), {}, identity()) as exchange:
            results = exchange.submit(prompts(["poison"])).result()
        assert results["error_code"].to_pylist() == [RowErrorCode.QUARANTINED]
    (log,) = directory.glob("*/*.log")
    assert log.read_text().count("ready:") == 3


def test_tasks_beside_the_one_with_a_row_that_kills_the_engine_get_their_answers(
    directory: Path,
) -> None:
    slow = settings(directory, token_budget=20, max_model_length=10, max_restarts=3)
    texts = [[f"row {number} of {task}" for number in range(200)] for task in range(3)]
    texts[1][120] = "poison"
    exchanges = [open_exchange(slow, {}, identity()) for _ in texts]
    pending = [
        exchange.submit(prompts(rows)) for exchange, rows in zip(exchanges, texts, strict=True)
    ]
    for window, rows in zip(pending, texts, strict=True):
        assert window.result()["text"].to_pylist() == with_errors(rows, "poison")
    for exchange in exchanges:
        exchange.close()


def test_an_engine_killed_from_outside_sends_no_innocent_row_to_quarantine(
    directory: Path,
) -> None:
    slow = settings(directory, token_budget=10, max_model_length=20)
    texts = [f"row {number}" for number in range(600)]
    with open_exchange(slow, {}, identity()) as exchange:
        pending = exchange.submit(prompts(texts))
        assert eventually(lambda: pending.answered > 50)
        os.kill(endpoint(directory).process.pid, signal.SIGKILL)
        results = pending.result()
    assert results["text"].to_pylist() == texts


def test_a_row_that_hangs_the_engine_is_quarantined_and_the_rest_goes_on(directory: Path) -> None:
    impatient = settings(directory, request_timeout=1.0, max_restarts=3)
    texts = ["a", "hang", "b"]
    with open_exchange(impatient, {}, identity()) as exchange:
        results = exchange.submit(prompts(texts)).result()
    assert results["text"].to_pylist() == with_errors(texts, "hang")
    assert results["error_code"][1].as_py() == RowErrorCode.QUARANTINED
    (log,) = directory.glob("*/*.log")
    assert "a step of the engine hangs" in log.read_text()


def test_a_row_without_an_answer_in_its_time_is_an_error_and_others_go_on(directory: Path) -> None:
    impatient = settings(directory, request_timeout=3.0, max_model_length=20)
    texts = ["a", "never", "b"]
    with open_exchange(impatient, {}, identity()) as exchange:
        results = exchange.submit(prompts(texts)).result()
        assert exchange.submit(prompts(["after"])).result()["text"].to_pylist() == ["after"]
    assert results["text"].to_pylist() == with_errors(texts, "never")
    assert results["error_code"][1].as_py() == RowErrorCode.TIMEOUT
    (log,) = directory.glob("*/*.log")
    assert log.read_text().count("ready:") == 1


def test_a_row_that_needs_too_much_memory_is_an_error_and_the_rest_goes_on(
    directory: Path,
) -> None:
    texts = [f"row {number}" for number in range(100)]
    texts[30] = "allocate"
    with open_exchange(settings(directory), {}, identity()) as exchange:
        results = exchange.submit(prompts(texts)).result()
    assert results["text"].to_pylist() == with_errors(texts, "allocate")
    assert results["error_code"][30].as_py() == RowErrorCode.ENGINE
    assert "MemoryError" in results["error_message"][30].as_py()
    (log,) = directory.glob("*/*.log")
    assert log.read_text().count("ready:") == 1


def test_an_engine_that_dies_whatever_it_is_asked_ends_the_call(directory: Path) -> None:
    with (
        open_exchange(settings(directory, model="deadly"), {}, identity()) as exchange,
        pytest.raises(EngineCrashError, match=r"lost 3 times .*log: "),
    ):
        exchange.submit(prompts([f"row {number}" for number in range(50)])).result()


def test_a_model_file_that_is_cut_off_is_named(directory: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(demo_model.path(), model)
    weights = model / "model.safetensors"
    os.truncate(weights, weights.stat().st_size // 2)
    real = settings(directory, implementation="", model=str(model), token_budget=2048)
    with (
        open_exchange(real, {}, identity()) as exchange,
        pytest.raises(EngineStartError) as caught,
    ):
        exchange.submit(prompts(["a"])).result()
    assert str(model) in caught.value.message
    assert "can't be loaded" in caught.value.message
    assert eventually(lambda: not engines(directory))


def test_a_disk_that_is_full_when_the_engine_starts_is_named(directory: Path) -> None:
    endpoint_file = files_of(directory).endpoint
    draft = endpoint_file.with_name(f"{endpoint_file.name}.{os.getpid()}")
    draft.symlink_to("/dev/full")
    with (
        open_exchange(settings(directory), {}, identity()) as exchange,
        pytest.raises(EngineStartError, match=r"No space left on device: free space there"),
    ):
        exchange.submit(prompts(["a"])).result()
    assert eventually(lambda: not engines(directory))


def test_a_disk_that_is_full_later_costs_log_and_journal_but_no_row(directory: Path) -> None:
    files = files_of(directory)
    files.log.symlink_to("/dev/full")
    files.journal.with_suffix(".draft").symlink_to("/dev/full")
    texts = ["a", "fail", "b"]
    with open_exchange(settings(directory), {}, identity()) as exchange:
        results = exchange.submit(prompts(texts)).result()
    assert results["text"].to_pylist() == with_errors(texts, "fail")


def test_a_directory_removed_under_a_running_engine_costs_no_row(directory: Path) -> None:
    slow = settings(directory, token_budget=10, max_model_length=20)
    texts = [f"row {number}" for number in range(200)]
    with open_exchange(slow, {}, identity()) as exchange:
        pending = exchange.submit(prompts(texts))
        assert eventually(lambda: pending.answered > 0)
        (private,) = directory.iterdir()
        shutil.rmtree(private)
        assert pending.result()["text"].to_pylist() == texts
    for process in engines(directory):
        process.kill()


def test_a_worker_that_is_killed_frees_its_rows_and_others_go_on(directory: Path) -> None:
    slow = settings(directory, token_budget=1, max_model_length=50)
    arguments = [as_json(slow), str(os.getpid()), "1", "500"]
    with subprocess.Popen([sys.executable, "-m", "tests.client.tasks", *arguments]) as daemon:
        assert eventually(lambda: list(directory.glob("*/*.json")))
        assert eventually(lambda: call(directory, Action.STATISTICS)["waiting"] > 300)
        (task,) = psutil.Process(daemon.pid).children()
        task.kill()
    assert eventually(lambda: call(directory, Action.STATISTICS)["waiting"] == 0)
    with open_exchange(slow, {}, identity()) as exchange:
        assert exchange.submit(prompts(["mine"])).result()["text"].to_pylist() == ["mine"]
    assert len(engines(directory)) == 1


def test_speculative_duplicates_of_a_task_are_computed_once(directory: Path) -> None:
    slow = settings(directory, token_budget=20, max_model_length=20)
    texts = [f"row {number}" for number in range(300)]
    with (
        open_exchange(slow, {}, identity()) as first,
        open_exchange(slow, {}, identity()) as copy,
    ):
        original = first.submit(prompts(texts))
        assert eventually(lambda: original.answered > 50)
        duplicate = copy.submit(prompts(texts))
        assert duplicate.result()["text"].to_pylist() == texts
        assert original.result()["text"].to_pylist() == texts
        assert call(directory, Action.STATISTICS)["computed"] == len(texts)


@pytest.mark.long
def test_an_engine_that_is_stopped_is_replaced_within_its_real_time_limits(
    directory: Path,
) -> None:
    slow = settings(directory, token_budget=10, max_model_length=50)
    texts = [f"row {number}" for number in range(100)]
    with open_exchange(slow, {}, identity()) as exchange:
        pending = exchange.submit(prompts(texts))
        assert eventually(lambda: pending.answered > 0)
        stopped = endpoint(directory).process
        os.kill(stopped.pid, signal.SIGSTOP)
        assert pending.result()["text"].to_pylist() == texts
    assert not stopped.is_alive()


def test_a_garbled_endpoint_file_is_no_obstacle(directory: Path) -> None:
    files_of(directory).endpoint.write_text(json.dumps({"pid": "none"})[:9])
    with open_exchange(settings(directory), {}, identity()) as exchange:
        assert exchange.submit(prompts(["a"])).result()["text"].to_pylist() == ["a"]
