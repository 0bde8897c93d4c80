"""Joins on the answers of calls, beside SQLite, whose `llm` is a Python function.

The engine writes down what it is asked, and remembers nothing.
"""

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from tests.catalyst.conftest import RecordedApplication
from tests.engines import digest

_TABLES = {
    "l": ("id", "k", "x"),
    "r": ("n", "j", "y"),
}
_ROWS = {
    "l": [
        (1, 1, "red"), (2, 1, "blue"), (3, 2, "red"), (4, 2, None),
        (5, 3, "green"), (6, None, "red"), (7, 1, "red"), (8, 9, "far"),
    ],
    "r": [
        (1, 1, "apple"), (2, 1, "pear"), (3, 2, "apple"), (4, 3, None),
        (5, None, "apple"), (6, 8, "kiwi"),
    ],
}  # fmt: skip

ASK = "llm('Same thing?', x, y) < '8'"


def _answer(x: str | None, y: str | None) -> str | None:
    if x is None and y is None:
        return None
    lines = [
        f'{name}: "{value}"' if value else f"{name}: null" for name, value in (("x", x), ("y", y))
    ]
    return digest("Same thing?\n\n" + "".join(f"{line}\n" for line in lines))


@pytest.fixture(scope="module")
def sqlite() -> sqlite3.Connection:
    database = sqlite3.connect(":memory:")
    database.create_function("llm", 3, lambda _, x, y: _answer(x, y), deterministic=True)
    for name, columns in _TABLES.items():
        database.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
        database.executemany(f"INSERT INTO {name} VALUES (?, ?, ?)", _ROWS[name])
    return database


@pytest.fixture(scope="module")
def tables(recorded: RecordedApplication) -> Iterator[RecordedApplication]:
    types = {"l": "id INT, k INT, x STRING", "r": "n INT, j INT, y STRING"}
    for name, rows in _ROWS.items():
        frame = f"spark.createDataFrame({rows!r}, {types[name]!r}).repartition(3)"
        recorded.value(f"{frame}.createOrReplaceTempView({name!r})")
    yield recorded
    for name in _TABLES:
        recorded.value(f"spark.catalog.dropTempView({name!r}) and None")


def _sorted(rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    return sorted(map(tuple, rows), key=repr)


def _pairs(sqlite: sqlite3.Connection, rest: str) -> int:
    """How many different pairs of texts the rest of a condition forms."""
    [(count,)] = sqlite.execute(
        f"SELECT count(*) FROM (SELECT DISTINCT x, y FROM l JOIN r ON {rest} "
        "WHERE x IS NOT NULL OR y IS NOT NULL)"
    ).fetchall()
    return int(count)


RESTS = ("k = j", "id < n", "true")


@pytest.mark.parametrize("rest", RESTS)
@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("SELECT * FROM l JOIN r ON {on}", None),
        ("SELECT * FROM l LEFT JOIN r ON {on}", None),
        ("SELECT * FROM l RIGHT JOIN r ON {on}", None),
        (
            "SELECT * FROM l LEFT SEMI JOIN r ON {on}",
            "SELECT * FROM l WHERE EXISTS (SELECT 1 FROM r WHERE {on})",
        ),
        (
            "SELECT * FROM l LEFT ANTI JOIN r ON {on}",
            "SELECT * FROM l WHERE NOT EXISTS (SELECT 1 FROM r WHERE {on})",
        ),
        ("SELECT id FROM l WHERE NOT EXISTS (SELECT 1 FROM r WHERE {on})", None),
        ("SELECT id FROM l WHERE id = 8 OR EXISTS (SELECT 1 FROM r WHERE {on})", None),
    ],
    ids=["inner", "left", "right", "semi", "anti", "not exists", "exists or"],
)  # fmt: skip
def test_a_join_asks_each_different_pair_once_and_has_the_rows_of_sqlite(
    tables: RecordedApplication,
    sqlite: sqlite3.Connection,
    ours: str,
    theirs: str | None,
    rest: str,
) -> None:
    on = f"{rest} AND {ASK}"
    expected = sqlite.execute((theirs or ours).format(on=on)).fetchall()
    assert expected or rest == "true"
    rows, asked = tables.answered(ours.format(on=on))
    assert _sorted(rows) == _sorted(expected)
    assert len(asked) == _pairs(sqlite, rest)
    assert len(set(asked)) == len(asked)


def test_more_pairs_than_are_allowed_are_an_error_before_any_is_asked(
    tables: RecordedApplication,
) -> None:
    tables.value("spark.conf.set('spark.sparkllm.join.maxPairs', '40')")
    try:
        for join in ("JOIN", "LEFT JOIN", "LEFT ANTI JOIN"):
            query = f"SELECT count(*) FROM l {join} r ON {ASK}"
            prompts, error = tables.failed(query)
            assert prompts == []
            assert "there are 48: spark.sparkllm.join.maxPairs allows 40." in error
            assert "ON a.key = b.key AND llm_filter(...)" in error
        pairs = f"SELECT * FROM l LEFT JOIN r ON k = j AND {ASK}"
        assert len(tables.asked(pairs)) == 6  # rows without a partner are no pairs
        large = "(SELECT string(id) AS x FROM range(30000)) JOIN (SELECT string(id) AS y FROM "
        prompts, error = tables.failed(f"SELECT count(*) FROM {large} range(30000)) ON {ASK}")
        assert prompts == []
        assert "there are more than 400: " in error
        tables.value("spark.conf.set('spark.sparkllm.join.maxPairs', '0')")
        assert len(tables.asked(f"SELECT count(*) FROM l JOIN r ON {ASK}")) >= 15
    finally:
        tables.value("spark.conf.unset('spark.sparkllm.join.maxPairs')")


def test_a_full_outer_join_is_refused_and_says_what_to_do(tables: RecordedApplication) -> None:
    _, error = tables.failed(f"SELECT * FROM l FULL JOIN r ON {ASK}")
    assert "only INNER, LEFT, RIGHT, SEMI and ANTI joins may: take a LEFT join, and" in error


def test_a_side_with_calls_of_its_own_asks_them_once(tables: RecordedApplication) -> None:
    side = "(SELECT id, llm('Sum it up', concat('row ', id)) AS x FROM l)"
    asked = tables.asked(f"SELECT * FROM {side} JOIN r ON id <= n AND {ASK}")
    assert len([prompt for prompt in asked if prompt.startswith("Sum it up")]) == 8
    assert len(asked) == len(set(asked)) == 8 + 17


def test_two_calls_in_a_condition_are_asked_in_turn(
    tables: RecordedApplication, sqlite: sqlite3.Connection
) -> None:
    query = f"SELECT id, n FROM l JOIN r ON k = j AND {ASK} AND llm('Sure?', x, y) <> ''"
    rows, asked = tables.answered(query)
    first = f"SELECT id, n FROM l JOIN r ON k = j AND {ASK}"
    assert _sorted(rows) == _sorted(sqlite.execute(first).fetchall())
    second = [prompt for prompt in asked if prompt.startswith("Sure?")]
    [(passed,)] = sqlite.execute(
        f"SELECT count(*) FROM (SELECT DISTINCT x, y FROM l JOIN r ON k = j AND {ASK})"
    )
    assert len(second) == passed
    assert len(asked) - len(second) == _pairs(sqlite, "k = j")


def test_an_outer_join_of_a_stream_is_refused(tables: RecordedApplication) -> None:
    stream = "spark.readStream.table('t').join(spark.table('r'), F.expr({on!r}), 'left')"
    on = "id = n AND llm('Same thing?', review, y) <> ''"
    run = ".writeStream.format('noop').trigger(availableNow=True).start().awaitTermination()"
    kind, _, message = tables.app.answer(stream.format(on=on) + run)
    assert kind == "raised"
    assert "join in foreachBatch" in message
