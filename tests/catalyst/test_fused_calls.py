"""Calls on the same columns share one pass over a row's text, if the session wants that."""

from collections.abc import Iterator

import pytest

from tests.catalyst.conftest import RecordedApplication

SWITCH = "spark.sparkllm.optimizer.fuse.enabled"
LONG = "(SELECT concat(repeat('a long review ', 20), id) AS review, product FROM t WHERE id < 2)"
TWO = f"SELECT llm('Is it long?', review), llm('Is it kind?', review) FROM {LONG}"


@pytest.fixture
def fusing(recorded: RecordedApplication) -> Iterator[RecordedApplication]:
    recorded.value(f"spark.conf.set({SWITCH!r}, 'true')")
    yield recorded
    recorded.value(f"spark.conf.unset({SWITCH!r})")


def _plan(recorded: RecordedApplication, query: str) -> str:
    execution = f"spark.sql({query!r})._jdf.queryExecution()"
    return str(recorded.value(f"{execution}.executedPlan().toString()"))


def test_the_row_stands_before_the_instructions_and_the_plan_says_so(
    fusing: RecordedApplication,
) -> None:
    asked = fusing.asked(TWO)
    rows = [prompt.partition("\n\n")[0] for prompt in asked]
    assert len(asked) == 4
    assert sorted(set(rows)) == rows[::2] == rows[1::2]
    assert all(row.startswith('review: "a long review') for row in rows)
    assert "fused [llm#" in _plan(fusing, TWO)


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT llm('Is it long?', review) FROM {LONG}",
        f"SELECT llm('Is it long?', review), llm('Is it kind?', product) FROM {LONG}",
        f"SELECT llm('Is {{review}} long?', review), llm('Is it kind?', review) FROM {LONG}",
        "SELECT llm('Is it long?', review), llm('Is it kind?', review) FROM t WHERE id < 2",
    ],
    ids=["one call", "other columns", "a slot", "rows shorter than the instructions"],
)
def test_prompts_that_share_no_text_or_little_are_as_ever(
    fusing: RecordedApplication, query: str
) -> None:
    asked = fusing.asked(query)
    fusing.value(f"spark.conf.set({SWITCH!r}, 'false')")
    assert fusing.asked(query) == asked


def test_unless_it_is_switched_on_the_instruction_stands_first(
    recorded: RecordedApplication,
) -> None:
    assert all(prompt.startswith("Is it ") for prompt in recorded.asked(TWO))
    assert "fused" not in _plan(recorded, TWO)
