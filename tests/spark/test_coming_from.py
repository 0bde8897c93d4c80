"""The calls that docs/coming-from.md puts beside those of other systems run as they stand there."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import Row, SparkSession

from sparkllm.configuration import ENGINE_IMPLEMENTATION

_DOCUMENT = Path(__file__).parents[2] / "docs" / "coming-from.md"
_ROW = re.compile(r"^\| `(?P<theirs>.+)` \| `(?P<ours>.+)` \|$", re.MULTILINE)


def _calls(system: str) -> list[str]:
    section = _DOCUMENT.read_text().split(f"\n## {system}\n")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    calls = [found["ours"] for found in map(_ROW.match, rows) if found]
    assert len(calls) == len(rows), "a row of the table can't be read"
    return calls


@pytest.fixture(scope="module")
def shipped(spark: SparkSession) -> Iterator[SparkSession]:
    spark.conf.set(ENGINE_IMPLEMENTATION.name, ENGINE_IMPLEMENTATION.default)
    spark.sql(
        "SELECT 'Broke after a day' AS review, 'lamp' AS product, 'Anna, order 7731' AS mail"
    ).createOrReplaceTempView("samples")
    yield spark
    spark.conf.set(ENGINE_IMPLEMENTATION.name, "tests.engines:DigestEngine")


def _first(shipped: SparkSession, calls: list[str]) -> Row:
    columns = ", ".join(f"{call} AS c{number}" for number, call in enumerate(calls))
    row = shipped.sql(f"SELECT {columns} FROM samples").first()
    assert row is not None
    return row


@pytest.mark.parametrize("system", ["Databricks", "Snowflake", "BigQuery"])
def test_every_call_runs(shipped: SparkSession, system: str) -> None:
    calls = _calls(system)
    assert len(calls) > 10
    of_rows = [call for call in calls if "_agg(" not in call]
    answered = _first(shipped, of_rows)
    of_groups = [call for call in calls if call not in of_rows]
    if of_groups:
        assert len(_first(shipped, of_groups)) == len(of_groups)
    for call, answer in zip(of_rows, answered, strict=True):
        if call.startswith("llm_classify") and "multi_label" not in call:
            assert answer in ("delivery", "quality"), call
        if call.startswith("llm_filter"):
            assert answer in (True, False), call
        if call.startswith("llm_count_tokens"):
            assert answer > 0, call
