"""How often the engine is asked, counted at the engine, which remembers no answer here."""

import pytest

from tests.catalyst.conftest import RecordedApplication

C = "llm('classify', review)"
V = f"(SELECT id, product, {C} AS s FROM t)"


def _set(recorded: RecordedApplication, key: str, value: str) -> None:
    recorded.value(f"spark.conf.set({key!r}, {value!r})")


def test_each_row_is_asked_once_however_often_the_query_names_the_call(
    recorded: RecordedApplication,
) -> None:
    asked = recorded.asked(
        f"SELECT {C} AS s, upper({C}), CASE WHEN {C} LIKE 'a%' THEN 1 ELSE length({C}) END "
        f"FROM t WHERE {C} <> '' ORDER BY {C}, id"
    )
    assert len(asked) == 8
    assert len(set(asked)) == 8


@pytest.mark.parametrize(
    ("calls", "query"),
    [
        (8, f"SELECT {C}, count(*) FROM t GROUP BY {C} HAVING {C} <> '' ORDER BY {C}"),
        (8, f"SELECT s, count(*) FROM {V} GROUP BY s HAVING s <> '' ORDER BY s"),
        (8, f"SELECT max({C}), count(DISTINCT {C}), min(length({C})) FROM t"),
        (8, f"SELECT t.id FROM t JOIN u ON {C} = u.name OR {C} > u.name"),
        (8, f"SELECT t.id, {C} FROM t LEFT JOIN u ON t.id = u.id AND {C} <> u.name"),
        (4, "SELECT t.id FROM t JOIN u ON t.id = u.id AND llm('Same thing?', review, name) <> ''"),
        (4, "SELECT product, llm('Describe it', product), count(*) FROM t GROUP BY product"),
        (8, f"SELECT sum(length({C})) OVER (PARTITION BY product ORDER BY {C}) FROM t"),
        (8, f"SELECT explode(split({C}, '')) FROM t"),
        (8, f"SELECT {C} FROM t UNION ALL SELECT name FROM u"),
        (8, f"SELECT DISTINCT {C} FROM t"),
    ],
    ids=[
        "group by, having, order by", "the same through a subquery", "aggregate functions",
        "join on", "outer join on", "join on, of both sides", "of groups", "windows",
        "generator", "union", "distinct",
    ],
)  # fmt: skip
def test_each_clause_asks_each_row_once(
    recorded: RecordedApplication, calls: int, query: str
) -> None:
    assert len(recorded.asked(query)) == calls


def test_a_self_join_that_reuses_its_exchange_asks_once(recorded: RecordedApplication) -> None:
    recorded.rows(f"CREATE OR REPLACE VIEW answered AS SELECT id, product, {C} AS s FROM t")
    query = "SELECT a.id, b.id, a.s FROM answered a JOIN answered b ON a.s = b.s"
    _set(recorded, "spark.sql.autoBroadcastJoinThreshold", "-1")
    try:
        assert len(recorded.asked(query)) == 8
    finally:
        _set(recorded, "spark.sql.autoBroadcastJoinThreshold", "10MB")


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT count(*) FROM {V}",
        f"SELECT id, product FROM {V} WHERE id > 2 ORDER BY id",
        f"SELECT u.name FROM u WHERE EXISTS (SELECT s FROM {V} v WHERE v.id = u.id)",
    ],
)
def test_answers_that_nobody_uses_are_not_asked(recorded: RecordedApplication, query: str) -> None:
    assert recorded.asked(query) == []


def test_constant_calls_are_asked_once_a_query(recorded: RecordedApplication) -> None:
    query = (
        "SELECT id, llm('Say it', 'hello'), llm('Say it', concat('good', 'bye')) FROM t "
        "WHERE llm('Say it', 'hello') <> ''"
    )
    assert len(recorded.asked(query)) == 2


@pytest.mark.parametrize("adaptive", ["true", "false"])
def test_nested_calls_are_asked_once_each_and_not_again_for_the_sample_of_a_sort(
    recorded: RecordedApplication, adaptive: str
) -> None:
    nested = "llm('Translate it', llm('Summarize it', review))"
    query = f"SELECT id, {nested} AS n, llm('Summarize it', review) FROM t ORDER BY n, {nested}"
    _set(recorded, "spark.sql.adaptive.enabled", adaptive)
    try:
        asked = recorded.asked(query)
    finally:
        _set(recorded, "spark.sql.adaptive.enabled", "true")
    assert len(asked) == 16
    assert len(set(asked)) == 16


@pytest.mark.parametrize(
    ("calls", "query"),
    [
        (8, f"SELECT (SELECT max({C}) FROM t) AS best, id FROM u"),
        (8, f"SELECT name FROM u WHERE name IN (SELECT {C} FROM t)"),
        (4, "SELECT name FROM u WHERE llm('classify', name) NOT IN (SELECT review FROM t)"),
        (8, f"SELECT name FROM u WHERE EXISTS (SELECT 1 FROM t WHERE t.id = u.id AND {C} <> '')"),
        (8, f"SELECT (SELECT max({C}) FROM t WHERE t.id = u.id) FROM u"),
        (6, "SELECT name FROM u WHERE EXISTS (SELECT 1 FROM t WHERE t.id < u.id AND "
            "llm('Same thing?', t.review, u.name) <> '')"),
    ],
    ids=[
        "scalar", "in", "of what is looked for", "exists", "correlated scalar",
        "exists, of both queries",
    ],
)  # fmt: skip
def test_subqueries_ask_each_row_once(
    recorded: RecordedApplication, calls: int, query: str
) -> None:
    assert len(recorded.asked(query)) == calls


def test_a_row_that_matches_several_times_is_there_once(recorded: RecordedApplication) -> None:
    same = "llm('Same thing?', t.review, u.name) <> ''"
    query = f"SELECT id, name FROM u WHERE EXISTS (SELECT 1 FROM t WHERE t.id < u.id AND {same})"
    assert sorted(recorded.rows(query)) == [(1, "name 1"), (2, "name 2"), (3, "name 3")]


def test_a_cached_table_is_asked_once_for_all_queries(recorded: RecordedApplication) -> None:
    assert len(recorded.asked(f"CACHE TABLE kept AS SELECT id, {C} AS s FROM t")) == 8
    assert recorded.asked("SELECT s, count(*) FROM kept GROUP BY s ORDER BY s") == []
    assert recorded.asked("SELECT a.s FROM kept a JOIN kept b ON a.s = b.s ORDER BY 1") == []
    recorded.rows("UNCACHE TABLE kept")


def test_writes_ask_each_row_once(recorded: RecordedApplication) -> None:
    assert len(recorded.asked(f"CREATE TABLE w USING parquet AS SELECT id, {C} AS s FROM t")) == 8
    partitioned = "CREATE TABLE p USING parquet PARTITIONED BY (s) AS SELECT id, {} AS s FROM t"
    assert len(recorded.asked(partitioned.format(C))) == 8
    assert len(recorded.asked(f"INSERT INTO w SELECT id, {C} FROM t ORDER BY 2")) == 8
    assert recorded.rows("SELECT count(DISTINCT s) FROM w") == [(8,)]


def test_streams_ask_each_row_once(recorded: RecordedApplication) -> None:
    source = "spark.readStream.table('t').selectExpr('id', \"llm('classify', review) AS s\")"
    for name, sink in (
        ("plain", "writeStream.format('parquet').option('path', 'plain')"),
        ("batches", "writeStream.foreachBatch(lambda batch, _: batch.write.parquet('batches'))"),
    ):
        stream = f"{source}.{sink}.option('checkpointLocation', 'checkpoint-{name}')"
        run = f"{stream}.trigger(availableNow=True).start().awaitTermination()"
        assert len(recorded.asked_by(run)) == 8
        assert recorded.rows(f"SELECT count(DISTINCT s) FROM parquet.`{name}`") == [(8,)]


def test_rows_that_a_cheap_predicate_drops_are_not_asked(recorded: RecordedApplication) -> None:
    assert len(recorded.asked(f"SELECT id FROM t WHERE {C} <> '' AND id < 3")) == 3
    assert len(recorded.asked(f"SELECT s FROM {V} WHERE s <> '' AND product = 'product 1'")) == 2


def _fewer_than_8(recorded: RecordedApplication) -> int:
    [(count,)] = recorded.rows(f"SELECT count(*) FROM t WHERE {C} < '8'")
    assert 0 < count < 8
    return int(count)


def test_a_predicate_asks_only_the_rows_that_the_one_before_it_let_pass(
    recorded: RecordedApplication,
) -> None:
    query = f"SELECT id FROM t WHERE {C} < '8' AND llm('Is it short?', review) <> ''"
    assert len(recorded.asked(query)) == 8 + _fewer_than_8(recorded)


def test_predicates_that_are_decided_by_a_first_answer_ask_no_second(
    recorded: RecordedApplication,
) -> None:
    few = _fewer_than_8(recorded)
    other = "llm('Is it short?', review) <> ''"
    assert len(recorded.asked(f"SELECT id FROM t WHERE {C} < '8' OR {other}")) == 8 + 8 - few
    query = f"SELECT {C} FROM t WHERE {C} < '8' OR {other}"
    assert len(recorded.asked(query)) == 8 + 8 - few
    assert len(recorded.rows(query)) == 8


@pytest.mark.parametrize(("calls", "learns"), [(16 + 16 + 48, "true"), (64 + 64, "false")])
def test_the_order_of_predicates_is_learned_from_the_first_window(
    recorded: RecordedApplication, calls: int, learns: str
) -> None:
    """The first predicate lets all rows pass, the second none. A window has 16 of the 64 rows."""
    rows = "SELECT id, 'answer=ja' AS x, 'answer=no' AS y FROM range(0, 64, 1, 1)"
    first, second = (f"llm('Is it so?', {column}, id) = 'ja'" for column in "xy")
    query = f"SELECT id FROM ({rows}) WHERE {first} AND {second}"
    switch = "spark.sparkllm.optimizer.learnedPredicateOrder.enabled"
    _set(recorded, switch, learns)
    _set(recorded, "spark.sparkllm.worker.windowRows", "16")
    try:
        assert len(recorded.asked(query)) == calls
    finally:
        _set(recorded, switch, "true")
        _set(recorded, "spark.sparkllm.worker.windowRows", "4096")


@pytest.mark.parametrize(
    ("calls", "expression"),
    [
        (3, f"CASE WHEN id < 3 THEN {C} ELSE product END"),
        (5, f"CASE WHEN id < 3 THEN product WHEN id < 9 THEN {C} END"),
        (4, f"CASE WHEN id < 2 THEN {C} WHEN id > 5 THEN upper({C}) END"),
        (8, f"CASE WHEN id < 3 THEN {C} ELSE llm('Ask it', review) END"),
        (8, f"CASE WHEN id < 3 THEN {C} END, {C}"),
        (6, f"CASE WHEN id < 3 THEN llm('Translate it', {C}) END"),
        (2, f"IF(product = 'product 1', {C}, NULL)"),
        (2, f"coalesce(nullif(product, 'product 1'), {C})"),
        (5, f"id < 3 OR {C} = 'x'"),
        (3, f"{C} = 'x' AND id < 3"),
        (1, f"id > 5 AND (product = 'product 3' OR NOT id = 6 OR {C} = 'x')"),
        (3, f"(SELECT sum(CASE WHEN id < 3 THEN length({C}) END) FROM t)"),
        (3, f"(SELECT sum(length({C})) FILTER (WHERE id < 3) FROM t)"),
    ],
)
def test_rows_that_a_guard_keeps_from_needing_an_answer_are_not_asked(
    recorded: RecordedApplication, calls: int, expression: str
) -> None:
    query = f"SELECT id, {expression} FROM t"
    assert len(recorded.asked(query)) == calls
    guarded = sorted(recorded.rows(query), key=str)
    _set(recorded, "spark.sparkllm.optimizer.guards.enabled", "false")
    try:
        assert sorted(recorded.rows(query), key=str) == guarded
    finally:
        _set(recorded, "spark.sparkllm.optimizer.guards.enabled", "true")


@pytest.mark.parametrize("guards", ["true", "false"])
@pytest.mark.parametrize(
    "query",
    [
        "SELECT CASE WHEN id <> 0 THEN llm('Say it', 6 div id) END FROM t",
        "SELECT id FROM t ORDER BY CASE WHEN id <> 0 THEN llm('Say it', 6 div id) END",
        "SELECT t.id FROM t LEFT JOIN u ON t.id = u.id AND CASE WHEN t.id <> 0 THEN "
        "llm('Say it', 6 div t.id) <> '' END",
    ],
    ids=["select", "order by", "outer join on"],
)
def test_an_argument_that_would_be_an_error_is_not_computed_where_the_guard_is_false(
    recorded: RecordedApplication, query: str, guards: str
) -> None:
    _set(recorded, "spark.sparkllm.optimizer.guards.enabled", guards)
    try:
        assert len(recorded.rows(query)) == 8
    finally:
        _set(recorded, "spark.sparkllm.optimizer.guards.enabled", "true")


def test_an_answer_may_guard_the_next_question(recorded: RecordedApplication) -> None:
    query = f"SELECT CASE WHEN {C} < '8' THEN llm('Explain it', review) END FROM t"
    assert len(recorded.asked(query)) == 8 + _fewer_than_8(recorded)


def test_calls_that_guard_each_other_are_asked_of_all_rows(recorded: RecordedApplication) -> None:
    other = "llm('Is it short?', review) <> ''"
    query = f"SELECT ({C} = 'x' AND {other}) OR ({other} AND {C} = 'y') FROM t"
    assert recorded.rows(query) == [(False,)] * 8


def test_the_first_rows_of_an_order_are_taken_before_they_are_asked(
    recorded: RecordedApplication,
) -> None:
    assert recorded.rows(f"SELECT id FROM (SELECT id, {C} AS s FROM t ORDER BY id DESC LIMIT 2)")
    query = f"SELECT {C}, product, id AS n FROM t ORDER BY n DESC LIMIT 3"
    assert len(recorded.asked(query)) == 3
    assert [row[2] for row in recorded.rows(query)] == [7, 6, 5]
    assert len(recorded.asked(f"SELECT {C} FROM t ORDER BY product, id LIMIT 2")) == 2
    assert len(recorded.asked(f"SELECT {C} AS s FROM t ORDER BY s LIMIT 2")) == 8


def test_a_limit_asks_as_many_rows_as_it_returns(recorded: RecordedApplication) -> None:
    assert len(recorded.asked(f"SELECT id, {C} FROM t LIMIT 3")) == 3
    assert len(recorded.asked(f"SELECT s FROM (SELECT {C} AS s FROM t LIMIT 5) WHERE s <> ''")) == 5


def test_random_arguments_are_drawn_once_a_row(recorded: RecordedApplication) -> None:
    asked = recorded.asked("SELECT llm('Look at it', review, rand(1)) FROM t ORDER BY 1")
    assert len(asked) == 8


def test_a_group_is_asked_once_for_equal_calls_and_sees_several_columns_as_one_value(
    recorded: RecordedApplication,
) -> None:
    call = "llm_agg(struct(id, product), 'Look at them')"
    asked = recorded.asked(f"SELECT {call}, upper({call}), max(id) FROM t WHERE id < 2")
    assert asked == [
        "Look at them\nGive one answer for all of the input.\n\n"
        'row: {"id": 0, "product": "product 0"}\nrow: {"id": 1, "product": "product 1"}\n'
    ]
    nested = f"SELECT product, llm_summarize_agg({C}) FROM t GROUP BY product"
    assert len(recorded.asked(nested)) == 8 + 4


def test_calls_of_the_dataframe_api_are_asked_once(recorded: RecordedApplication) -> None:
    call = "F.call_function('llm', F.lit('classify'), 'review')"
    frame = f"spark.table('t').withColumn('s', {call})"
    asked = recorded.asked_by(
        f"{frame}.withColumn('n', F.length('s')).where(\"s <> ''\").orderBy('s', 'n').collect() "
        "and None"
    )
    assert len(asked) == 8
