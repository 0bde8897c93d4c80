"""A directory for each test, and no engine process left behind."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.client.scenery import engines


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory with a short path, as sockets need one."""
    with TemporaryDirectory(prefix="sparkllm-") as name:
        yield Path(name)
        for process in engines(Path(name)):
            process.kill()
            process.wait()
