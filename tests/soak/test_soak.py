"""The short form of `make soak`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.soak.footprint import Footprint, Watch


@pytest.mark.long
@pytest.mark.timeout(500)
def test_eight_queries_at_once_are_answered_right_and_leave_nothing() -> None:
    command = [sys.executable, "-m", "tests.soak", "10"]
    done = subprocess.run(
        command,
        cwd=Path(__file__).parents[2],
        check=False,
        capture_output=True,
        text=True,
        timeout=480,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 wrong, 0 errors" in done.stdout


def test_growth_is_seen(tmp_path: Path) -> None:
    watch = Watch(tmp_path)
    fields = Footprint.now(tmp_path).__slots__
    for number in range(30):
        values = dict.fromkeys(fields, 10)
        values |= {"engine_bytes": number * (20 << 20), "files": number, "workers": 10 + number % 3}
        watch.samples.append(Footprint(**values))
    assert set(watch.growth()) == {"engine_bytes", "files"}, json.dumps(watch.thirds())
