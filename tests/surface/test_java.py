"""A missing or too old Java is one clear sentence with what to install."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = Path(__file__).parents[2] / "sparkllm" / "java.py"


def _java_that_says(folder: Path, version: str) -> None:
    java = folder / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\necho '{version}' >&2\n")
    java.chmod(0o755)


def _check(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(_SCRIPT)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ('openjdk version "11.0.2" 2019-01-15', "is 11: install Java 17 or newer"),
        ('java version "1.8.0_291"', "is 8: install Java 17 or newer"),
        ("cannot execute", "does not run (cannot execute): install Java 17 or newer"),
    ],
)
def test_a_java_that_spark_cannot_use_is_refused(tmp_path: Path, said: str, complaint: str) -> None:
    _java_that_says(tmp_path, said)
    done = _check(JAVA_HOME=str(tmp_path))
    assert done.returncode == 1
    assert complaint in done.stderr
    assert "openjdk-17-jre-headless" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_no_java_at_all_is_said_so(tmp_path: Path) -> None:
    done = _check(JAVA_HOME="", PATH=str(tmp_path))
    assert done.returncode == 1
    assert "there is no java on the PATH" in done.stderr


@pytest.mark.parametrize("said", ['openjdk version "17.0.15" 2025-04-15', 'version "25" 2025'])
def test_a_new_enough_java_is_accepted(tmp_path: Path, said: str) -> None:
    _java_that_says(tmp_path, said)
    assert _check(JAVA_HOME=str(tmp_path)).returncode == 0
