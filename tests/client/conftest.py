"""A directory for each test, and no engine process left behind."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.client.scenery import engines, eventually, threads_of_exchanges


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory with a short path, as sockets need one."""
    with TemporaryDirectory(prefix="sparkllm-") as name:
        yield Path(name)
        assert eventually(lambda: nothing_is_left(Path(name)))


def nothing_is_left(directory: Path) -> bool:
    """Kill the engines there are; whether there were none, and nobody is going to start one."""
    still_starting = threads_of_exchanges()
    left = engines(directory)
    for process in left:
        process.kill()
    return not left and not still_starting
