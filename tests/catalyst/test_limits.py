"""How many rows of a long table are asked about where a query needs few of them."""

from collections.abc import Iterator

import pytest

from tests.catalyst.conftest import RecordedApplication

C = "llm('classify', review)"
SHORT = "llm('Is it short?', review)"
SWITCH = "spark.sparkllm.optimizer.limitStopsAsking.enabled"


@pytest.fixture(scope="module")
def million(recorded: RecordedApplication) -> Iterator[RecordedApplication]:
    """A view `million` of a million rows in two partitions, in the order of their ids."""
    recorded.value(
        "spark.range(0, 1000000, 1, 2).selectExpr('id', \"concat('review ', id) AS review\")"
        ".createOrReplaceTempView('million')"
    )
    yield recorded
    recorded.value("spark.catalog.dropTempView('million') and None")


def _asked_until(enough: int, first: int, passing: list[int]) -> int:
    """How many rows from 0 on are asked until windows that double have `enough` passing ones."""
    rows, window = 0, first
    while sum(row < rows for row in passing) < enough:
        rows, window = rows + window, 2 * window
    return rows


def _passing(million: RecordedApplication, predicate: str) -> list[int]:
    query = f"SELECT id FROM million WHERE id < 200 AND {predicate}"
    return [row[0] for row in million.rows(query)]


def test_a_limit_above_a_predicate_asks_windows_that_double_until_it_has_its_rows(
    million: RecordedApplication,
) -> None:
    predicate = f"{C} < '4'"
    expected = _asked_until(10, 10, _passing(million, predicate))
    query = f"SELECT id, review FROM million WHERE {predicate} LIMIT 10"
    assert expected in (30, 70)
    assert len(million.asked(query)) == expected
    assert [row[0] for row in million.rows(query)] == _passing(million, predicate)[:10]


def test_with_an_offset_the_rows_that_are_left_out_are_asked_about_too(
    million: RecordedApplication,
) -> None:
    expected = _asked_until(9, 9, _passing(million, f"{C} < '4'"))
    query = f"SELECT id FROM million WHERE {C} < '4' LIMIT 6 OFFSET 3"
    assert len(million.asked(query)) == expected


def test_each_of_several_predicates_asks_windows_that_double(million: RecordedApplication) -> None:
    predicates = f"upper({C}) < '8' AND upper({SHORT}) < '8'"
    first, both = _passing(million, f"{C} < '8'"), _passing(million, predicates)
    of_second = _asked_until(5, 5, [first.index(row) for row in both])
    of_first = _asked_until(of_second, 5, first)
    query = f"SELECT id FROM million WHERE {predicates} LIMIT 5"
    assert len(million.asked(query)) == of_first + of_second


def test_predicates_in_one_pass_share_their_windows(million: RecordedApplication) -> None:
    predicates = f"{C} < '8' AND {SHORT} < '8'"
    first, both = _passing(million, f"{C} < '8'"), _passing(million, predicates)
    rows = _asked_until(5, 5, both)
    query = f"SELECT id FROM million WHERE {predicates} LIMIT 5"
    assert len(million.asked(query)) == rows + sum(row < rows for row in first)


def test_a_limit_above_a_projection_that_is_not_moved_below_asks_about_its_rows(
    million: RecordedApplication,
) -> None:
    assert len(million.asked(f"SELECT {C}, rand() FROM million LIMIT 10")) == 10


def test_a_limit_within_a_query_stops_each_of_its_partitions(million: RecordedApplication) -> None:
    query = f"SELECT max(id) FROM (SELECT id FROM million WHERE {C} < '4' LIMIT 10)"
    assert 60 <= len(million.asked(query)) <= 2 * 150


def test_where_the_rule_is_off_a_whole_window_is_asked(recorded: RecordedApplication) -> None:
    query = f"SELECT id FROM t WHERE {C} <> '' LIMIT 1"
    assert len(recorded.asked(query)) == 1
    recorded.value(f"spark.conf.set({SWITCH!r}, 'false')")
    try:
        assert len(recorded.asked(query)) == 4  # the rows of the first partition
    finally:
        recorded.value(f"spark.conf.set({SWITCH!r}, 'true')")


def test_a_limit_that_is_never_reached_asks_about_every_row_once(
    recorded: RecordedApplication,
) -> None:
    asked = recorded.asked(f"SELECT id FROM t WHERE {C} = 'no answer' LIMIT 1")
    assert len(asked) == len(set(asked)) == 8
