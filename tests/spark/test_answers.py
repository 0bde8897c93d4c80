"""The same query gives the same answers, however and wherever it runs."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path


def _answers(master: str) -> dict[str, list[str | None]]:
    with tempfile.TemporaryDirectory(prefix="slm") as directory:
        done = subprocess.run(
            [sys.executable, "-m", "tests.spark.answers", master, directory],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stderr[-3000:]
    answers: dict[str, list[str | None]] = json.loads(done.stdout.splitlines()[-1])
    return answers


def test_sql_and_dataframes_agree_in_one_process_and_on_a_cluster() -> None:
    here = _answers("local[2]")
    assert len(here["sql"]) == 300
    assert {"positive", "negative", "neutral", None} >= set(here["sql"])
    assert here["frame"] == here["sql"]
    assert _answers("local-cluster[2,1,2048]") == here
