"""Which versions of Spark are looked at, and the smoke test on the one that is installed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest

from tests.compatibility.environments import latest_patches
from tests.compatibility.table import WAYS, document


def test_the_latest_patch_of_each_minor_version_of_spark_4_is_looked_at() -> None:
    names = ["5.0.0", "4.10.0", "4.2.1", "4.2.0", "4.3.0.dev1", "4.0.10", "4.0.9", "3.5.9"]
    assert latest_patches(names) == ["4.0.10", "4.2.1", "4.10.0"]


def test_the_document_says_what_fails() -> None:
    row = {"spark": "4.0.5", "python": "3.11.7", "java": "17", "scala": "2.13.16"}
    works = {way: way != "connect" for way in WAYS}
    line = document([{**row, **works}]).splitlines()[-1]
    assert line == "| 4.0.5 | 3.11.7 | 17 | 2.13.16 | works | **fails** | works | works |"


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
def test_the_smoke_test_passes_on_the_spark_that_is_installed(way: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.compatibility.smoke", way],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYSPARK_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=900,
        check=True,
    )
    facts = json.loads(done.stdout.splitlines()[-1])
    assert (facts["spark"], facts["failed"]) == (pyspark.__version__, {})
