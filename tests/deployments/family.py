"""Every function once in SQL and once in Python, over one row with a `text`."""

from collections.abc import Mapping
from typing import Any

from pyspark.sql import Column, SparkSession

from sparkllm import functions as f

TEXT = "I love it, great value"
_GOOD = "Is this review positive?"

_OF_ROWS: Mapping[str, tuple[str, Any]] = {
    "llm": (f"('{_GOOD}', text, labels => array('yes', 'no'))", (_GOOD, "text")),
    "llm_classify": ("(text, array('good', 'bad'))", ("text", ["good", "bad"])),
    "llm_filter": (f"('{_GOOD}', text)", (_GOOD, "text")),
    "llm_score": (f"('{_GOOD}', text)", (_GOOD, "text")),
    "llm_extract": ("(text, 'what STRING, stars INT')", ("text", "what STRING, stars INT")),
    "llm_sentiment": ("(text)", ("text",)),
    "llm_summarize": ("(text, 5, max_tokens => 8)", ("text", 5)),
    "llm_translate": ("(text, 'German', max_tokens => 8)", ("text", "German")),
    "llm_fix_grammar": ("(text, max_tokens => 8)", ("text",)),
    "llm_mask": ("(text, array('person'), max_tokens => 8)", ("text", ["person"])),
    "llm_generate": ("(text, max_tokens => 8)", ("text",)),
    "llm_embed": ("(text)", ("text",)),
    "llm_similarity": ("(text, text)", ("text", "text")),
    "llm_count_tokens": ("(text)", ("text",)),
}
_OF_GROUPS: Mapping[str, tuple[str, Any]] = {
    "llm_agg": ("(text, 'What do they say?', max_tokens => 8)", ("text", "What do they say?")),
    "llm_summarize_agg": ("(text, 5, max_tokens => 8)", ("text", 5)),
}
NAMES = {*_OF_ROWS, *_OF_GROUPS}


def _column(name: str, sql: str, arguments: tuple[Any, ...]) -> Column:
    options: dict[str, Any] = {"max_tokens": 8} if "max_tokens" in sql else {}
    if name == "llm":
        options["labels"] = ["yes", "no"]
    column: Column = getattr(f, name)(*arguments, **options)
    return column.alias(name)


def answers(spark: SparkSession) -> dict[str, dict[str, list[str]]]:
    """Return type and answer of each function, by `sql` and `python`."""
    spark.sql(f"SELECT '{TEXT}' AS text").createOrReplaceTempView("family")
    found: dict[str, dict[str, list[str]]] = {"sql": {}, "python": {}}
    for calls in (_OF_ROWS, _OF_GROUPS):
        named = ", ".join(f"{name}{sql} AS {name}" for name, (sql, _) in calls.items())
        columns = [_column(name, sql, arguments) for name, (sql, arguments) in calls.items()]
        frames = {
            "sql": spark.sql(f"SELECT {named} FROM family"),
            "python": spark.table("family").select(*columns),
        }
        for way, frame in frames.items():
            (row,) = frame.collect()
            for field in frame.schema:
                found[way][field.name] = [field.dataType.simpleString(), str(row[field.name])]
    return found
