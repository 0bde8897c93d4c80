"""The metrics in the Spark UI are what the engine counted."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path


def test_the_rest_api_shows_the_numbers_that_the_engine_counted() -> None:
    with tempfile.TemporaryDirectory(prefix="slm") as directory:  # short, for the sockets in it
        record = Path(directory, "record")
        record.touch()
        done = subprocess.run(
            [sys.executable, "-m", "tests.spark.metrics", directory, str(record)],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        asked = [json.loads(line) for line in record.read_text().splitlines()]
    metrics = json.loads(done.stdout.splitlines()[-1])
    words = sum(len(prompt.split()) for prompt in asked)  # what this engine takes for tokens
    assert len(asked) == 4  # good, bad, fine, far too long
    assert {name: value for name, value in metrics.items() if "time" not in name} == {
        "rows": "8",
        "calls of the model": "4",
        "deduplicated inputs": "2",
        "NULL inputs": "2",
        "inputs that a guard skipped": "0",
        "errors": "1",
        "prompt tokens": str(words),
        "prompt tokens from cache": "0",
        "prompt tokens computed": str(words),
        "output tokens": "3",
        "inputs answered by the store": "0",
        "tokens saved by the store": "0",
    }
    assert {name for name in metrics if "time" in name} == {
        "time in the engine",
        "time waiting for the engine",
        "time preparing and placing rows",
    }
