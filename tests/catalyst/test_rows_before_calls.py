"""Joins, groups, DISTINCT and unions settle which rows there are before calls are asked."""

import pytest

from tests.catalyst.conftest import RecordedApplication

C = "llm('classify', review)"
D = "llm('Describe it', product)"
FIRST = "(SELECT id AS k, review AS r FROM t WHERE id < 3) v"
MIN_ROWS = "spark.sparkllm.optimizer.prefixExchange.minRows"

Case = tuple[str, int, int | None, str]

# The rule, the calls with it, those without it (None where tasks may share some), a query.
CASES: dict[str, Case] = {
    "semi join": (
        "selectiveJoinsFirst", 4, 8,
        f"SELECT id FROM t LEFT SEMI JOIN u ON t.id = u.id WHERE {C} <> ''",
    ),
    "anti join": (
        "selectiveJoinsFirst", 4, 8,
        f"SELECT id, s FROM (SELECT id, {C} AS s FROM t) v LEFT ANTI JOIN u ON v.id = u.id",
    ),
    "except": (
        "selectiveJoinsFirst", 3, 8,
        "SELECT * FROM (SELECT review FROM t EXCEPT SELECT review FROM t WHERE id < 5) "
        f"WHERE {C} <> ''",
    ),
    "join with a filtered side": (
        "selectiveJoinsFirst", 3, 8,
        f"SELECT t.id, {C} FROM t JOIN u ON t.id = u.id WHERE {C} <> '' AND name <> 'name 0'",
    ),
    "groups": (
        "groupsFirst", 4, None,
        f"SELECT count(*) FROM t GROUP BY product HAVING {D} <> ''",
    ),
    "distinct": ("distinctInputsFirst", 4, None, f"SELECT DISTINCT length(product), {D} FROM t"),
    "union": (
        "unionFirst", 4, None,
        f"SELECT id, upper({D}) FROM t UNION ALL SELECT id + 1, upper({D}) FROM t WHERE id > 1",
    ),
    "predicate on a union": (
        "unionFirst", 4, None,
        "SELECT id FROM (SELECT id, product FROM t UNION ALL SELECT id, product FROM t) "
        f"WHERE {D} <> ''",
    ),
    "join that repeats rows": (
        "fanOutLast", 4, None,
        "SELECT r.id, llm('Describe it', name) FROM range(1000) r JOIN u ON r.id % 4 = u.id",
    ),
    "left join that repeats rows": (
        "fanOutLast", 4, None,
        "SELECT t.id, u.id, llm('Describe it', name) FROM u LEFT JOIN t ON t.id % 2 = u.id",
    ),
    "inferred predicate": (
        "dropInferredCalls", 3, None, f"SELECT id FROM t JOIN {FIRST} ON review = r WHERE {C} <> ''"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_each_row_that_is_left_is_asked_about_once(
    recorded: RecordedApplication, case: Case
) -> None:
    rule, calls, without, query = case
    switch = f"spark.sparkllm.optimizer.{rule}.enabled"
    if rule == "unionFirst":  # equal inputs of one operator meet, as those of large ones do
        recorded.value(f"spark.conf.set('{MIN_ROWS}', '1')")
    try:
        assert len(recorded.asked(query)) == calls
        rows = sorted(recorded.rows(query), key=str)
        assert rows
        recorded.value(f"spark.conf.set({switch!r}, 'false')")
        asked = len(recorded.asked(query))
        assert asked == without or (without is None and asked >= calls)
        assert sorted(recorded.rows(query), key=str) == rows
    finally:
        recorded.value(f"spark.conf.set({switch!r}, 'true')")
        recorded.value(f"spark.conf.unset('{MIN_ROWS}')")


def test_a_join_on_an_answer_or_a_limit_stays_where_it_is(recorded: RecordedApplication) -> None:
    on_answer = f"SELECT id FROM t LEFT SEMI JOIN u ON {C} = u.name"
    assert len(recorded.asked(on_answer)) == 8
    few = "SELECT t.id, llm('Describe it', name) FROM t JOIN u ON t.id % 4 = u.id LIMIT 2"
    assert len(recorded.asked(few)) <= 2
