"""The directory of sockets and logs is the user's alone, and is kept tidy."""

import os
import stat
import time
from pathlib import Path

import pytest

from sparkllm.client import EngineStartError, open_exchange
from sparkllm.client.files import runtime_directory
from tests.client.scenery import endpoint, identity, prompts, settings


def test_the_directory_is_private(directory: Path) -> None:
    with open_exchange(settings(directory), {}, identity()) as exchange:
        exchange.submit(prompts(["a"])).result()
        socket = Path(endpoint(directory).socket)
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(socket.stat().st_mode) == 0o700


def test_a_directory_that_is_open_to_others_is_closed(directory: Path) -> None:
    runtime = directory / f"sparkllm-{os.getuid()}"
    runtime.mkdir(mode=0o777)
    with open_exchange(settings(directory), {}, identity()) as exchange:
        exchange.submit(prompts(["a"])).result()
    assert stat.S_IMODE(runtime.stat().st_mode) == 0o700


def test_a_directory_that_is_a_link_is_refused(directory: Path) -> None:
    (directory / "elsewhere").mkdir()
    (directory / f"sparkllm-{os.getuid()}").symlink_to(directory / "elsewhere")
    with pytest.raises(EngineStartError, match="is not a directory of the user"):
        open_exchange(settings(directory), {}, identity())


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives directories away")
def test_a_directory_of_somebody_else_is_refused(directory: Path) -> None:
    runtime = directory / f"sparkllm-{os.getuid()}"
    runtime.mkdir()
    os.chown(runtime, 65534, 65534)
    with pytest.raises(EngineStartError, match="its owner is 65534"):
        open_exchange(settings(directory), {}, identity())


def test_a_path_that_is_too_long_for_a_socket_is_refused(directory: Path) -> None:
    with pytest.raises(EngineStartError, match="too long for a socket"):
        open_exchange(settings(directory / ("x" * 80)), {}, identity())


def test_files_of_executors_that_are_gone_are_removed_but_for_recent_logs(directory: Path) -> None:
    with open_exchange(settings(directory), {}, identity()) as exchange:
        exchange.submit(prompts(["a"])).result()
    runtime = directory / f"sparkllm-{os.getuid()}"
    host = next(runtime.glob("*.log")).name.split("-")[0]
    gone = [runtime / f"{host}-999999999-00000000.{kind}" for kind in ("lock", "json", "log")]
    old_log = runtime / f"{host}-999999998-00000000.log"
    for path in (*gone, old_log):
        path.touch()
    os.utime(old_log, (time.time() - 30 * 86400,) * 2)
    with open_exchange(settings(directory, token_budget=1), {}, identity()) as exchange:
        exchange.submit(prompts(["a"])).result()
    assert [path.exists() for path in (*gone, old_log)] == [False, False, True, False]


def test_without_a_setting_it_is_below_the_runtime_directory(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(directory))
    assert runtime_directory("").parent == directory


@pytest.mark.parametrize("place", ["gone", "x" * 80])
def test_a_runtime_directory_that_does_not_do_is_passed_over(
    directory: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    if place != "gone":
        (directory / place).mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(directory / place))
    monkeypatch.setattr("tempfile.tempdir", str(directory))
    assert runtime_directory("").parent == directory
