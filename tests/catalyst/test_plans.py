"""Plans before and after the optimizer, kept in `plans/`: one file a query shape.

    SPARKLLM_WRITE_PLANS=1 python -m pytest tests/catalyst/test_plans.py

writes them anew; the difference is for reading. Plans differ a little between versions of Spark, so
they are compared with the newest one only.
"""

import os
import re
from pathlib import Path

import pyspark
import pytest

from tests.catalyst.conftest import RecordedApplication

_PLANS = Path(__file__).with_name("plans")
_DOCUMENT = Path(__file__).parents[2] / "docs" / "optimizer.md"
_VERSION = "4.3"

C = "llm('classify', review)"

QUERIES = {
    "select": f"SELECT id, {C} AS s FROM t",
    "same_call_twice": f"SELECT {C} AS s, upper({C}) AS u FROM t",
    "two_calls": f"SELECT {C} AS s, llm('Describe it', product) AS d FROM t",
    "nested_calls": "SELECT llm('Translate it', llm('Summarize it', review)) AS n FROM t",
    "nested_and_independent": f"SELECT llm('Translate it', llm('Sum up', review)) AS n, {C} AS s "
    "FROM t",
    "where": f"SELECT id FROM t WHERE {C} = 'positive'",
    "where_with_cheap_predicate": f"SELECT id FROM t WHERE {C} = 'positive' AND id > 3",
    "where_and_select": f"SELECT id, {C} AS s FROM t WHERE {C} <> 'neutral'",
    "where_on_subquery": f"SELECT s FROM (SELECT id, {C} AS s FROM t) WHERE s <> 'a' AND id > 3",
    "order_by": f"SELECT id FROM t ORDER BY {C}",
    "order_by_and_select": f"SELECT id, {C} AS s FROM t ORDER BY s DESC",
    "group_by": f"SELECT {C} AS s, count(*) AS n FROM t GROUP BY s HAVING s <> 'a'",
    "aggregate_function": f"SELECT product, max({C}) AS m FROM t GROUP BY product",
    "call_on_groups": "SELECT product, llm('Describe it', product) AS d, count(*) AS n FROM t "
    "GROUP BY product",
    "aggregate_of_texts": "SELECT product, llm_agg(review, 'Sum them up') AS s, count(*) AS n "
    "FROM t GROUP BY product HAVING n > 1 AND s <> ''",
    "call_on_aggregated_texts": "SELECT product, llm('Sum them up', texts) AS s FROM (SELECT "
    "product, collect_list(review) AS texts FROM t GROUP BY product)",
    "window": f"SELECT id, rank() OVER (PARTITION BY product ORDER BY {C}) AS r FROM t",
    "case": f"SELECT CASE {C} WHEN 'positive' THEN 1 WHEN 'negative' THEN -1 END AS n FROM t",
    "join_on_one_side": f"SELECT t.id, u.id FROM t JOIN u ON {C} = u.name",
    "join_on_both_sides": "SELECT t.id FROM t JOIN u ON t.id = u.id AND "
    "llm('Same thing?', review, name, labels => array('yes', 'no')) = 'yes'",
    "left_join_on_both_sides": "SELECT t.id, u.id FROM t LEFT JOIN u ON t.id = u.id AND "
    "llm('Same thing?', review, name, labels => array('yes', 'no')) = 'yes'",
    "self_join": f"WITH v AS (SELECT id, {C} AS s FROM t) "
    "SELECT a.id, b.id FROM v a JOIN v b ON a.s = b.s",
    "unused": f"SELECT id FROM (SELECT id, {C} AS s FROM t)",
    "constant": "SELECT id, llm('Say it', 'hello') AS h FROM t",
    "exists": f"SELECT name FROM u WHERE EXISTS (SELECT 1 FROM t WHERE t.id = u.id AND {C} = 'a')",
    "limit": f"SELECT id, {C} AS s FROM t LIMIT 3",
    "top_rows": f"SELECT id, {C} AS s FROM t ORDER BY id DESC LIMIT 3",
    "guards": f"SELECT CASE WHEN id > 3 THEN {C} ELSE coalesce(product, {C}) END AS s FROM t",
    "guarded_by_an_answer": f"SELECT IF({C} = 'positive', llm('Thank them', review), '') AS s "
    "FROM t",
    "predicates_in_turn": f"SELECT id FROM t WHERE length({C}) > 3 AND llm('Short?', product) LIKE "
    "'%e%'",
    "learned_predicate_order": f"SELECT id, {C} FROM t WHERE {C} = 'positive' AND "
    "llm('Short?', product) IN ('yes', 'no') AND length(llm('Sum up', review)) > 3",
    "learned_order_of_or": f"SELECT id FROM t WHERE {C} = 'positive' OR NOT llm('Short?', product, "
    "returns => 'BOOLEAN')",
    "union": f"SELECT {C} AS s FROM t UNION ALL SELECT name FROM u",
    "semi_join": f"SELECT id FROM t LEFT SEMI JOIN u ON t.id = u.id WHERE {C} = 'positive'",
    "selective_join": f"SELECT t.id, {C} AS s FROM t JOIN u ON t.id = u.id WHERE {C} <> 'neutral' "
    "AND name > 'b'",
    "except": f"SELECT * FROM (SELECT review FROM t EXCEPT SELECT name FROM u) WHERE {C} = 'a'",
    "having": "SELECT count(*) AS n FROM t GROUP BY product HAVING llm('Short?', product) = 'yes'",
    "distinct": "SELECT DISTINCT llm('Describe it', product) AS d FROM t",
    "union_of_calls": "SELECT id, upper(llm('Describe it', product)) AS d FROM t UNION ALL SELECT "
    "id + 1, upper(llm('Describe it', product)) FROM t WHERE id > 2",
    "fan_out": "SELECT r.id, llm('Describe it', name) AS d FROM range(999) r JOIN u ON r.id = u.id",
    "inferred_predicate": f"SELECT t.id FROM t JOIN u ON t.review = u.name WHERE {C} = 'positive'",
    "typed": "SELECT llm('How many stars?', review, returns => 'INT') + 1 AS n FROM t",
}  # fmt: skip


class _Readable:
    """Numbers ids from 1 in the order in which they appear, and leaves locations out."""

    def __init__(self) -> None:
        self._seen: dict[str, str] = {}

    def __call__(self, plan: str) -> str:
        plan = re.sub(r"#(\d+)L?", self._renumbered, plan)
        plan = re.sub(r"(?i)relation spark_catalog\.default\.(\w+)", r"Relation \1", plan)
        plan = re.sub(r", \[plan_id=\d+\]", "", plan)
        plan = re.sub(r"(CTERelation(?:Def|Ref)) \d+", r"\1", plan)
        scan = r"FileScan parquet spark_catalog\.default\.(\w+)(\[[^\]]*\]).*"
        return re.sub(scan, r"Scan \1\2", plan).strip()

    def _renumbered(self, match: re.Match[str]) -> str:
        return self._seen.setdefault(match[1], f"#{len(self._seen) + 1}")


def _document(recorded: RecordedApplication, query: str) -> str:
    recorded.value("spark.conf.set('spark.sql.adaptive.enabled', 'false')")
    try:
        texts = recorded.value(
            "(lambda execution: [getattr(execution, plan)().toString() for plan in "
            "('analyzed', 'optimizedPlan', 'executedPlan')])"
            f"(spark.sql({query!r})._jdf.queryExecution())"
        )
    finally:
        recorded.value("spark.conf.set('spark.sql.adaptive.enabled', 'true')")
    readable = _Readable()
    plans = zip(("before", "after", "physical"), map(readable, texts), strict=True)
    return "\n".join([f"{query}\n", *(f"-- {name}\n{plan}\n" for name, plan in plans)])


@pytest.mark.skipif(
    not pyspark.__version__.startswith(_VERSION), reason=f"the plans are those of Spark {_VERSION}"
)
@pytest.mark.parametrize("name", QUERIES)
def test_the_plan_is_the_one_that_was_read_and_found_good(
    recorded: RecordedApplication, name: str
) -> None:
    document = _document(recorded, QUERIES[name])
    file = _PLANS / f"{name}.txt"
    if os.environ.get("SPARKLLM_WRITE_PLANS"):
        file.write_text(document)
    assert document == file.read_text()


def _excerpt(name: str) -> str:
    """A query with its plans before and after the rules, as the documentation shows them."""
    text = (_PLANS / f"{name}.txt").read_text().partition("-- physical")[0].strip()
    query, _, plans = text.partition("\n\n-- before\n")
    before, _, after = plans.partition("\n\n-- after\n")
    return f"```\n{query}\n\n{before}\n\n→\n\n{after}\n```"


def test_the_documentation_shows_the_plans_that_are_kept() -> None:
    text = _DOCUMENT.read_text()
    shown = re.sub(r"<!-- plan (\w+) -->\n```.*?```", _shown, text, flags=re.DOTALL)
    if os.environ.get("SPARKLLM_WRITE_PLANS"):
        _DOCUMENT.write_text(shown)
    assert text.count("<!-- plan ") >= 10
    assert shown == _DOCUMENT.read_text()


def _shown(match: re.Match[str]) -> str:
    return f"<!-- plan {match[1]} -->\n{_excerpt(match[1])}"


def test_each_plan_that_is_kept_belongs_to_a_query() -> None:
    assert {file.stem for file in _PLANS.glob("*.txt")} == set(QUERIES)
