"""One engine process for an executor, however many tasks start at once; failures are clear."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import psutil
import pytest

from sparkllm.client import EngineSettings, EngineStartError, open_exchange
from tests.client.scenery import as_json, endpoint, engines, eventually, identity, prompts, settings

TASKS = 8


def start_tasks(engine: EngineSettings, rows: int = 1) -> list[dict[str, str]]:
    """Run eight tasks, each a process, at the same moment; return what they report."""
    own = str(os.getpid())
    command = [sys.executable, "-m", "tests.client.tasks", as_json(engine), own, str(TASKS)]
    done = subprocess.run([*command, str(rows)], check=True, capture_output=True, timeout=90)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_eight_tasks_at_once_start_one_engine(directory: Path) -> None:
    for round_number in range(3):
        place = directory / str(round_number)
        reports = start_tasks(settings(place), rows=100)
        assert [report.get("error") for report in reports] == [None] * TASKS
        assert len({report["engine"] for report in reports}) == 1
        assert len(engines(place)) == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": "missing"}, "model 'missing' was not found: give an id or a path"),
        ({"token_budget": -1}, "token_budget is -1: it must be at least 1"),
        ({"implementation": "no.such:Engine"}, "No module named 'no'"),
        ({"model": "crash"}, "ended while it was starting, with exit code 3"),
    ],
)
def test_a_start_that_fails_is_the_same_error_in_every_task(
    directory: Path, changes: dict[str, object], sentence: str
) -> None:
    reports = start_tasks(settings(directory, **changes))
    assert [report["type"] for report in reports] == ["EngineStartError"] * TASKS
    assert len({report["error"] for report in reports}) == 1
    assert sentence in reports[0]["error"]
    (log,) = directory.glob("*/*.log")
    assert str(log) in reports[0]["error"]
    assert Counter(log.read_text().split())["starting:"] == 1
    assert not engines(directory)


def test_a_failed_start_is_tried_again_after_a_while(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparkllm.client.launcher._REMEMBER_FAILURE", 0.0)
    for _ in range(2):
        with (
            open_exchange(settings(directory, model="missing"), {}, identity()) as exchange,
            pytest.raises(EngineStartError, match="was not found"),
        ):
            exchange.submit(prompts(["a"])).result()
    (log,) = directory.glob("*/*.log")
    assert Counter(log.read_text().split())["starting:"] == 2


def test_a_start_that_takes_too_long_is_an_error_and_leaves_no_process(directory: Path) -> None:
    slow = settings(directory, model="slow", start_timeout=2.0)
    with (
        open_exchange(slow, {}, identity()) as exchange,
        pytest.raises(EngineStartError, match=r"not ready within 2 s.*log: "),
    ):
        exchange.submit(prompts(["a"])).result()
    assert eventually(lambda: not engines(directory))


def test_an_engine_that_is_starting_ends_with_the_task_that_waits_for_it(directory: Path) -> None:
    arguments = [as_json(settings(directory, model="slow")), str(os.getpid()), "1", "1"]
    with subprocess.Popen([sys.executable, "-m", "tests.client.tasks", *arguments]) as daemon:
        assert eventually(lambda: engines(directory))
        (task,) = psutil.Process(daemon.pid).children()
        task.kill()
    assert eventually(lambda: not engines(directory))


def test_how_patient_a_task_is_does_not_make_another_engine(directory: Path) -> None:
    for changes in ({}, {"max_restarts": 0}, {"start_timeout": 30.0}):
        with open_exchange(settings(directory, **changes), {}, identity()) as exchange:
            exchange.submit(prompts(["a"])).result()
    assert len(engines(directory)) == 1


def test_what_a_dead_engine_left_is_no_obstacle(directory: Path) -> None:
    with open_exchange(settings(directory), {}, identity()) as exchange:
        exchange.submit(prompts(["a"])).result()
    dead = endpoint(directory)
    (process,) = engines(directory)
    process.kill()
    process.wait()
    assert Path(dead.socket).exists()
    with open_exchange(settings(directory), {}, identity()) as exchange:
        assert exchange.submit(prompts(["b"])).result()["text"].to_pylist() == ["b"]
    assert not Path(dead.socket).exists()


def test_an_endpoint_whose_pid_went_to_another_process_is_not_trusted(directory: Path) -> None:
    with open_exchange(settings(directory), {}, identity()) as exchange:
        exchange.submit(prompts(["a"])).result()
    (process,) = engines(directory)
    process.kill()
    process.wait()
    (path,) = directory.glob("*/*.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "pid": os.getpid()}))
    with open_exchange(settings(directory), {}, identity()) as exchange:
        assert exchange.submit(prompts(["b"])).result()["text"].to_pylist() == ["b"]


def test_other_settings_are_another_engine(directory: Path) -> None:
    for rows_a_step in (1, 2):
        engine = settings(directory, token_budget=rows_a_step)
        with open_exchange(engine, {}, identity()) as exchange:
            exchange.submit(prompts(["a"])).result()
    assert len(engines(directory)) == 2
