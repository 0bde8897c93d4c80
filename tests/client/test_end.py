"""When the engine process ends by itself."""

import subprocess
import sys
from pathlib import Path

from sparkllm.client import open_exchange
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
    stand_in,
)


def test_it_ends_with_its_executor_while_a_task_is_connected(directory: Path) -> None:
    with (
        stand_in() as executor,
        open_exchange(settings(directory), {}, identity(executor=executor.pid)) as exchange,
    ):
        exchange.submit(prompts(["a"])).result()
        executor.kill()
        assert eventually(lambda: not engines(directory))


def test_an_executor_that_is_dead_but_not_reaped_is_gone(directory: Path) -> None:
    with stand_in() as executor:
        with open_exchange(settings(directory), {}, identity(executor=executor.pid)) as exchange:
            exchange.submit(prompts(["a"])).result()
        executor.kill()
        assert eventually(lambda: not engines(directory))
        assert executor.returncode is None


def test_it_ends_when_the_last_of_its_owners_is_gone(directory: Path) -> None:
    with stand_in() as first, stand_in() as second:
        for owner in (first, second):
            with open_exchange(settings(directory), {}, identity(owner=owner.pid)) as exchange:
                exchange.submit(prompts([f"for {owner.pid}"])).result()
        assert len(engines(directory)) == 1
        first.kill()
        with open_exchange(settings(directory), {}, identity(owner=second.pid)) as exchange:
            exchange.submit(prompts(["still there"])).result()
        (process,) = engines(directory)
        second.kill()
        assert eventually(lambda: not process.is_running())


def test_it_ends_after_an_idle_time_and_removes_its_socket(directory: Path) -> None:
    with open_exchange(settings(directory, idle_timeout=0.5), {}, identity()) as exchange:
        exchange.submit(prompts(["a"])).result()
        socket = Path(endpoint(directory).socket)
        assert socket.exists()
    assert eventually(lambda: not engines(directory))
    assert not socket.exists()


def test_an_open_exchange_is_not_idle(directory: Path) -> None:
    with open_exchange(settings(directory, idle_timeout=0.1), {}, identity()) as exchange:
        exchange.submit(prompts(["a"])).result()
        (process,) = engines(directory)
        assert not eventually(lambda: not process.is_running(), seconds=2.0)
        exchange.submit(prompts(["b"])).result()
    (log,) = directory.glob("*/*.log")
    assert log.read_text().count("ready:") == 1


def test_it_outlives_the_task_that_started_it(directory: Path) -> None:
    command = [sys.executable, "-m", "tests.client.tasks", as_json(settings(directory))]
    with stand_in() as executor:
        subprocess.run([*command, str(executor.pid), "1", "1"], check=True, capture_output=True)
        (process,) = engines(directory)
        assert not eventually(lambda: not process.is_running(), seconds=1.5)
        executor.kill()
        assert eventually(lambda: not process.is_running())


def test_outside_spark_it_ends_with_the_process_that_used_it(directory: Path) -> None:
    code = (
        "import sys, json; from sparkllm.client import *; from tests.client.scenery import *;"
        "exchange = open_exchange(EngineSettings(**json.loads(sys.argv[1])), {});"
        "print(exchange.submit(prompts(['a'])).result()['text'][0].as_py())"
    )
    command = [sys.executable, "-c", code, as_json(settings(directory))]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout == "a\n"
    assert eventually(lambda: not engines(directory))


def test_it_ends_when_it_is_told_to(directory: Path) -> None:
    with open_exchange(settings(directory), {}, identity()) as exchange:
        exchange.submit(prompts(["a"])).result()
    call(directory, Action.SHUTDOWN)
    assert eventually(lambda: not engines(directory))
    (log,) = directory.glob("*/*.log")
    assert "ending: it was told to" in log.read_text()
