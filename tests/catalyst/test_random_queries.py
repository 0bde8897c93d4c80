"""Whatever the rules of the optimizer do, a query has the rows that SQL says it has.

Each query runs without a call first (see `generated_expressions`), then with calls, with all rules
on and with none or some of them.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from sparkllm import configuration
from tests.catalyst.conftest import RecordedApplication
from tests.catalyst.generated_queries import TABLES, Query, queries

Rows = Sequence[tuple[Any, ...]]

_DEFAULTS = {
    key.name: key.default
    for key in configuration.declared()
    if key.name.startswith("spark.sparkllm.optimizer.") and key.name.endswith(".enabled")
}
_SWITCHES = tuple(_DEFAULTS)
_ALL_ON = dict.fromkeys(_SWITCHES, "true")
_ALL_OFF = dict.fromkeys(_SWITCHES, "false")
_SETTING = {
    "spark.sparkllm.engine.implementation": "tests.engines:ChoosingEngine",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}


@pytest.fixture(scope="module")
def answering(recorded: RecordedApplication) -> Iterator[RecordedApplication]:
    """The application with the tables of the random queries, and an engine for them.

    The optimizer of Spark is what takes the time of small queries, so nothing is compiled.
    """
    before = {key: recorded.value(f"spark.conf.get({key!r})") for key in _SETTING}
    _configure(recorded, _SETTING)
    for name, (schema, rows) in TABLES.items():
        frame = f"spark.createDataFrame({rows!r}, {schema!r}).repartition(2)"
        recorded.value(f"{frame}.write.mode('overwrite').saveAsTable({name!r})")
    yield recorded
    _configure(recorded, _DEFAULTS | before)


def _configure(recorded: RecordedApplication, properties: Mapping[str, str]) -> None:
    recorded.value(f"[spark.conf.set(*item) for item in {dict(properties)!r}.items()] and None")


def _sets_of_rules() -> st.SearchStrategy[dict[str, str]]:
    some = st.fixed_dictionaries({name: st.sampled_from(["true", "false"]) for name in _SWITCHES})
    return st.one_of(st.just(_ALL_OFF), some)


def _check(query: Query, rows: Rows, expected: Rows) -> None:
    """Compare with all rows that the query has without its LIMIT."""
    if query.limit is None:
        assert Counter(rows) == Counter(expected)
    else:
        left = max(0, len(expected) - query.offset)
        assert len(rows) == min(query.limit, left)
        assert Counter(rows) <= Counter(expected)
    if query.keys:
        keys = [[row[key] for key in query.keys] for row in expected]
        assert [[row[key] for key in query.keys] for row in rows] == (
            keys[query.offset :][: len(rows)]
        )


def _holds(recorded: RecordedApplication, query: Query, rules: Mapping[str, str]) -> None:
    expected = recorded.rows(query.rows.plain)
    for switches in (_ALL_ON, rules):
        _configure(recorded, switches)
        _check(query, recorded.rows(query.ours), expected)


def _settings(queries: int, derandomize: bool) -> settings:
    return settings(
        max_examples=queries,
        derandomize=derandomize,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.timeout(1800)
@_settings(60, derandomize=True)
@given(query=queries(), rules=_sets_of_rules())
def test_rules_that_are_on_off_or_mixed_leave_the_rows_of_a_query(
    answering: RecordedApplication, query: Query, rules: dict[str, str]
) -> None:
    _holds(answering, query, rules)


@pytest.mark.long
@pytest.mark.timeout(7200)
@_settings(500, derandomize=False)
@given(query=queries(), rules=_sets_of_rules())
def test_so_they_do_for_many_queries(
    answering: RecordedApplication, query: Query, rules: dict[str, str]
) -> None:
    _holds(answering, query, rules)
