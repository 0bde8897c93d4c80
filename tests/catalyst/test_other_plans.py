"""Queries that don't call `llm` are planned as if the extension were not there."""

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.tpch import queries


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    warehouse = tmp_path_factory.mktemp("warehouse")
    done = subprocess.run(
        [sys.executable, "-m", "tests.catalyst.plans_of_others", str(warehouse)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_only_one_of_the_two_sessions_has_the_extension(found: dict[str, Any]) -> None:
    assert found["functions"] == {"0": ["llm"], "1": []}


@pytest.mark.parametrize("name", queries())
def test_the_plans_of_a_query_without_llm_are_those_of_spark(
    found: dict[str, Any], name: str
) -> None:
    kinds = found["plans"][name]
    assert len(kinds) == 4
    for kind, (ours, theirs) in kinds.items():
        assert "parquet" in theirs
        assert ours == theirs, kind


def test_planning_a_query_without_llm_takes_no_longer(found: dict[str, Any]) -> None:
    ratios = [ours / theirs for ours, theirs in found["times"].values()]
    assert len(ratios) == 22
    assert statistics.median(ratios) < 1.3
