"""One run through what users do, on the Spark of the Python that runs it.

    python -m tests.compatibility.smoke classic|connect|shell|plain

It prints one JSON object: the versions, and what failed, by the name of the check.
"""

import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyspark
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

import sparkllm
from sparkllm import catalyst
from sparkllm.functions import llm

_ROWS = [
    (1, "I love it, it works perfectly, great value", "lamp"),
    (2, "Broke after a day, waste of money, terrible", "cup"),
    (3, "I love it, it works perfectly, great value", "lamp"),
    (4, None, "pen"),
]
_NAMED = "SELECT llm('classify', review, labels => array('good', 'bad')) FROM reviews ORDER BY id"
_MAP = _NAMED.replace("labels => array('good', 'bad')", "map('labels', array('good', 'bad'))")
_ANSWERS = ["good", "bad", "good", None]
_QUIET = {"spark.ui.enabled": "false", "spark.log.level": "ERROR"}


def _answers(frame: DataFrame) -> list[Any]:
    return [row[0] for row in frame.collect()]


def _named_options(spark: SparkSession) -> None:
    assert _answers(spark.sql(_NAMED)) == _ANSWERS


def _options_in_a_map(spark: SparkSession) -> None:
    assert _answers(spark.sql(_MAP)) == _ANSWERS


def _default_labels(spark: SparkSession) -> None:
    query = "SELECT llm('classify', review) FROM reviews ORDER BY id"
    assert _answers(spark.sql(query)) == ["positive", "negative", "positive", None]


def _a_typed_answer(spark: SparkSession) -> None:
    call = "llm('Is this review positive? {review}', review, returns => 'BOOLEAN')"
    frame = spark.sql(f"SELECT {call} FROM reviews ORDER BY id")
    assert frame.schema[0].dataType.simpleString() == "boolean"
    answers = _answers(frame)
    assert {True, False, None} >= set(answers), answers
    assert answers[3] is None


def _an_instruction(spark: SparkSession) -> None:
    call = "llm('Is {review} about a {product}?', review, product, labels => array('yes', 'no'))"
    answers = _answers(spark.sql(f"SELECT {call} FROM reviews"))
    assert {"yes", "no"} >= set(answers)


def _the_dataframe_api(spark: SparkSession) -> None:
    frame = spark.table("reviews").orderBy("id")
    assert _answers(frame.select(llm("classify", "review", labels=["good", "bad"]))) == _ANSWERS


def _a_filter(spark: SparkSession) -> None:
    query = "SELECT id FROM reviews WHERE llm('classify', review) = 'positive' ORDER BY id"
    assert _answers(spark.sql(query)) == [1, 3]


def _usage(spark: SparkSession) -> None:
    frame = spark.table("reviews").coalesce(1).select(llm("Count these rows", "review"))
    frame.collect()
    used = sparkllm.usage(spark).last
    assert (used.rows, used.distinct, used.errors) == (4, 2, {}), used


def _error_details(spark: SparkSession) -> None:
    call = "llm('classify', review, labels => array('good', 'bad'), on_error => 'detail')"
    query = f"SELECT d.value, d.error FROM (SELECT id, {call} AS d FROM reviews) ORDER BY id"
    assert _answers(spark.sql(query)) == _ANSWERS
    long = spark.sql("SELECT repeat('too long ', 9999) AS review")
    (detail,) = _answers(long.selectExpr(call))
    assert (detail.value, detail.error.code) == (None, "OVERFLOW"), detail


def _errors_that_fail(spark: SparkSession) -> None:
    long = spark.sql("SELECT repeat('too long ', 9999) AS review")
    for option in ("on_error => 'fail'", "max_error_ratio => 0.5"):
        try:
            long.selectExpr(f"llm('classify', review, {option})").collect()
        except Exception as error:
            assert "OVERFLOW" in str(error), error
        else:
            raise AssertionError(f"an error of a row did not fail the query with {option}")


def _a_limit(spark: SparkSession) -> None:
    call = "llm('classify', concat(review, ' ', id)) IS NOT NULL"
    table = spark.range(0, 400, 1, 1).selectExpr("id", "'I love it' AS review")
    assert len(table.where(call).limit(3).collect()) == 3
    asked = sparkllm.usage(spark).last.rows
    assert asked < 400, asked


def _the_prefix_exchange(spark: SparkSession) -> None:
    name = "spark.sparkllm.optimizer.prefixExchange.minRows"
    spark.conf.set(name, "1")
    try:
        query = "SELECT id, llm('classify', review) AS label FROM reviews"
        labels = {row.id: row.label for row in spark.sql(query).collect()}
    finally:
        spark.conf.unset(name)
    assert labels == {1: "positive", 2: "negative", 3: "positive", 4: None}, labels
    assert sparkllm.usage(spark).last.calls <= 2


def _a_struct(spark: SparkSession) -> None:
    frame = spark.sql("SELECT llm_extract(review, 'what STRING, tags ARRAY<STRING>') FROM reviews")
    assert frame.schema[0].dataType.simpleString() == "struct<what:string,tags:array<string>>"
    assert len(_answers(frame)) == 4


def _embeddings(spark: SparkSession) -> None:
    query = "SELECT llm_embed(review), llm_similarity(review, product) FROM reviews ORDER BY id"
    rows = spark.sql(query).collect()
    assert [row[0] is None for row in rows] == [False, False, False, True]
    assert abs(sum(number * number for number in rows[0][0]) - 1) < 1e-3
    assert -1 <= rows[0][1] == rows[2][1] <= 1
    assert rows[3][1] is None


def _groups(spark: SparkSession) -> None:
    call = "llm_agg(review, 'What do they say?', max_tokens => 8, on_error => 'detail')"
    rows = spark.sql(f"SELECT product, {call} AS a FROM reviews GROUP BY product").collect()
    assert {row["product"]: row.a is None for row in rows} == {
        "lamp": False,
        "cup": False,
        "pen": True,
    }


def _a_join(spark: SparkSession) -> None:
    pairs = (
        "(SELECT id, review, product FROM reviews) a LEFT JOIN"
        " (SELECT id AS other, review AS said, product AS thing FROM reviews) b"
        " ON product = thing AND llm_filter('Do {review} and {said} agree?', review, said)"
    )
    ids = {row.id for row in spark.sql(f"SELECT id, other FROM {pairs}").collect()}
    assert ids == {1, 2, 3, 4}, ids


def _wrong_use(spark: SparkSession) -> None:
    try:
        spark.sql("SELECT llm('classify', review, colour => 1) FROM reviews").collect()
    except PySparkException as error:
        assert "[LLM_CALL.UNKNOWN_OPTION] task classify has no option colour" in str(error), error
    else:
        raise AssertionError("an unknown option was taken")


_CHECKS: dict[str, Callable[[SparkSession], None]] = {
    "named options": _named_options,
    "options in a map": _options_in_a_map,
    "default labels": _default_labels,
    "an instruction": _an_instruction,
    "a typed answer": _a_typed_answer,
    "the DataFrame API": _the_dataframe_api,
    "a filter": _a_filter,
    "usage": _usage,
    "wrong use": _wrong_use,
    "error details": _error_details,
    "errors that fail": _errors_that_fail,
    "a limit": _a_limit,
    "the prefix exchange": _the_prefix_exchange,
    "a struct": _a_struct,
    "embeddings": _embeddings,
    "groups": _groups,
    "a join": _a_join,
}


def _failures(spark: SparkSession, checks: list[str]) -> dict[str, str]:
    rows = spark.createDataFrame(_ROWS, "id INT, review STRING, product STRING")
    rows.createOrReplaceTempView("reviews")
    failed = {}
    for name in checks:
        try:
            _CHECKS[name](spark)
        except Exception as error:
            failed[name] = f"{type(error).__name__}: {str(error).strip()[:2000]}"
    return failed


@contextmanager
def _session(where: dict[str, str]) -> Iterator[SparkSession]:
    with tempfile.TemporaryDirectory(prefix="slm") as directory:
        config = {**_QUIET, "spark.sparkllm.engine.directory": directory, **where}
        builder = sparkllm.configure(SparkSession.builder.config(map={**config}))
        spark = builder.getOrCreate()
        try:
            yield spark
        finally:
            spark.stop()


def _classic() -> dict[str, str]:
    with _session({"spark.master": "local[2]"}) as spark:
        assert catalyst.is_active(spark)
        return _failures(spark, list(_CHECKS))


def _connect() -> dict[str, str]:
    with _session({"spark.remote": "local[2]"}) as spark:
        assert catalyst.is_active(spark)
        return _failures(spark, list(_CHECKS))


def _plain() -> dict[str, str]:
    with tempfile.TemporaryDirectory(prefix="slm") as directory:
        config = {**_QUIET, "spark.sparkllm.engine.directory": directory}
        spark = SparkSession.builder.master("local[2]").config(map={**config}).getOrCreate()
        sparkllm.register(spark)
        failed = _failures(spark, ["options in a map", "default labels", "the DataFrame API"])
        spark.stop()
        return failed


def _shell() -> dict[str, str]:
    rows = ", ".join(
        f"({number}, {'NULL' if text is None else repr(text)}, '{product}')"
        for number, text, product in _ROWS
    )
    with tempfile.TemporaryDirectory(prefix="slm") as directory:
        file = Path(directory, "sparkllm.conf")
        properties = {
            **catalyst.properties(),
            **_QUIET,
            "spark.sparkllm.engine.directory": directory,
        }
        file.write_text("".join(f"{name} {value}\n" for name, value in properties.items()))
        view = (
            f"CREATE TEMPORARY VIEW reviews AS SELECT * FROM VALUES {rows} t(id, review, product)"
        )
        shell = Path(pyspark.__file__).parent / "bin" / "spark-sql"
        command = [shell, "--master", "local[2]", "--properties-file", file]
        done = subprocess.run(
            [*command, "-e", f"{view}; {_NAMED}"],
            cwd=directory,
            capture_output=True,
            text=True,
            check=False,
        )
    wanted = "".join(f"{answer or 'NULL'}\n" for answer in _ANSWERS)
    if done.stdout == wanted:
        return {}
    return {"the shell": f"{done.stdout[-500:]}{done.stderr[-2000:]}"}


_WAYS = {"classic": _classic, "connect": _connect, "plain": _plain, "shell": _shell}


def _scala() -> str:
    (library,) = (Path(pyspark.__file__).parent / "jars").glob("scala-library-*.jar")
    return library.stem.removeprefix("scala-library-")


def main() -> None:
    """Run one way; print what it found."""
    try:
        failed = _WAYS[sys.argv[1]]()
    except Exception as error:
        failed = {"start": f"{type(error).__name__}: {str(error).strip()[:2000]}"}
    facts = {
        "spark": pyspark.__version__,
        "python": platform.python_version(),
        "scala": _scala(),
        "failed": failed,
    }
    sys.stdout.write(json.dumps(facts) + "\n")


if __name__ == "__main__":
    main()
