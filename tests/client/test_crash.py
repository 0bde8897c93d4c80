"""The engine process dies or hangs: what was not answered is sent to a new one."""

import os
import pickle
import signal
from pathlib import Path

import pytest

from sparkllm.client import EngineCrashError, open_exchange
from tests.client.scenery import (
    endpoint,
    engines,
    eventually,
    identity,
    prompts,
    settings,
    threads_of_exchanges,
)


def test_killed_in_the_middle_of_windows_all_answers_are_right(directory: Path) -> None:
    slow = settings(directory, token_budget=10, max_model_length=20)
    texts = [[f"row {number} of {window}" for number in range(200)] for window in range(3)]
    with open_exchange(slow, {}, identity()) as exchange:
        pending = [exchange.submit(prompts(window)) for window in texts]
        assert pending[0].result()["text"].to_pylist() == texts[0]
        killed = endpoint(directory).process.pid
        os.kill(killed, signal.SIGKILL)
        assert [window.result()["text"].to_pylist() for window in pending] == texts
    assert endpoint(directory).process.pid != killed


def test_killed_between_windows_the_next_one_starts_a_new_engine(directory: Path) -> None:
    with open_exchange(settings(directory), {}, identity()) as exchange:
        exchange.submit(prompts(["before"])).result()
        os.kill(endpoint(directory).process.pid, signal.SIGKILL)
        assert exchange.submit(prompts(["after"])).result()["text"].to_pylist() == ["after"]


def test_several_tasks_go_on_with_one_new_engine(directory: Path) -> None:
    slow = settings(directory, token_budget=5, max_model_length=20)
    texts = [[f"row {number} of {task}" for number in range(100)] for task in range(4)]
    exchanges = [open_exchange(slow, {}, identity()) for _ in texts]
    pending = [
        exchange.submit(prompts(rows)) for exchange, rows in zip(exchanges, texts, strict=True)
    ]
    assert eventually(lambda: len(engines(directory)) == 1)
    assert eventually(lambda: list(directory.glob("*/*.json")))
    os.kill(endpoint(directory).process.pid, signal.SIGKILL)
    assert [window.result()["text"].to_pylist() for window in pending] == texts
    assert len(engines(directory)) == 1
    for exchange in exchanges:
        exchange.close()


def test_a_prompt_that_kills_the_engine_once_is_answered_by_the_next(directory: Path) -> None:
    text = f"poison-once {directory / 'mark'}"
    with open_exchange(settings(directory), {}, identity()) as exchange:
        results = exchange.submit(prompts(["a", text, "b"])).result()
    assert results["text"].to_pylist() == ["a", text, "b"]


def test_a_prompt_that_always_kills_the_engine_is_an_error_after_some_restarts(
    directory: Path,
) -> None:
    with (
        open_exchange(settings(directory, max_restarts=1), {}, identity()) as exchange,
        pytest.raises(EngineCrashError, match=r"lost 2 times .*log: ") as caught,
    ):
        exchange.submit(prompts(["poison"])).result()
    (log,) = directory.glob("*/*.log")
    assert str(log) == caught.value.log
    assert log.read_text().count("ready:") == 2
    copy = pickle.loads(pickle.dumps(caught.value))
    assert (type(copy), str(copy)) == (EngineCrashError, str(caught.value))


def test_an_engine_that_can_not_go_on_ends_with_the_traceback_in_its_log(directory: Path) -> None:
    with (
        open_exchange(settings(directory, max_restarts=0), {}, identity()) as exchange,
        pytest.raises(EngineCrashError) as caught,
    ):
        exchange.submit(prompts(["broken"])).result()
    assert "RuntimeError: nothing works any more" in Path(caught.value.log).read_text()
    assert eventually(lambda: not engines(directory))


def test_an_engine_that_no_longer_answers_is_replaced(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparkllm.client.exchange._SILENCE", 0.2)
    monkeypatch.setattr("sparkllm.client.connection._HEALTH_TIMEOUT", 0.5)
    slow = settings(directory, token_budget=10, max_model_length=50)
    texts = [f"row {number}" for number in range(100)]
    with open_exchange(slow, {}, identity()) as exchange:
        exchange.submit(prompts(["first"])).result()
        pending = exchange.submit(prompts(texts))
        stopped = endpoint(directory).process
        os.kill(stopped.pid, signal.SIGSTOP)
        assert pending.result()["text"].to_pylist() == texts
    assert not stopped.is_alive()


def test_an_engine_that_computes_in_silence_is_left_alone(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparkllm.client.exchange._SILENCE", 0.05)
    with open_exchange(settings(directory, max_model_length=1000), {}, identity()) as exchange:
        assert exchange.submit(prompts(["slowly"])).result()["text"].to_pylist() == ["slowly"]
    (log,) = directory.glob("*/*.log")
    assert log.read_text().count("ready:") == 1


def test_a_socket_that_was_removed_is_replaced(directory: Path) -> None:
    with open_exchange(settings(directory), {}, identity()) as exchange:
        exchange.submit(prompts(["a"])).result()
    first = endpoint(directory)
    Path(first.socket).unlink()
    with open_exchange(settings(directory), {}, identity()) as exchange:
        assert exchange.submit(prompts(["b"])).result()["text"].to_pylist() == ["b"]
    assert len(engines(directory)) == 1
    assert not first.process.is_alive()


def test_an_exchange_can_be_closed_while_the_engine_hangs(directory: Path) -> None:
    exchange = open_exchange(settings(directory), {}, identity())
    exchange.submit(prompts(["hang"]))
    assert eventually(lambda: list(directory.glob("*/*.json")))
    exchange.close()
    assert eventually(lambda: not threads_of_exchanges())
