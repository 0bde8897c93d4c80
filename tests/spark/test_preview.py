"""`sparkllm.preview`: what the model would be asked, without asking it."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from transformers import AutoTokenizer

import sparkllm
from sparkllm import demo_model
from sparkllm.prompt_preview import PreviewedPrompt

_CONNECT = """
import sparkllm
from pyspark.sql import SparkSession

builder = SparkSession.builder.config("spark.remote", "local[2]")
builder = builder.config("spark.connect.grpc.binding.port", "0")
builder = builder.config("spark.sparkllm.engine.implementation", "nothing:CanBeStarted")
spark = sparkllm.configure(builder).getOrCreate()
rows = spark.createDataFrame([("lamp", "r 1"), ("lamp", "r 2")], "product string, review string")
rows.createOrReplaceTempView("t")
print(sparkllm.preview(spark.sql("SELECT llm('classify', product, review) FROM t")))
spark.stop()
"""


@pytest.fixture(scope="module")
def table(spark: SparkSession) -> str:
    rows = [(f"review {i}", f"lamp {i % 2}", None) for i in range(10)]
    frame = spark.createDataFrame(rows * 2, "review string, product string, note string")
    frame.coalesce(1).createOrReplaceTempView("previewed")
    return "previewed"


def query(spark: SparkSession, table: str, columns: str = "review, product") -> DataFrame:
    return spark.sql(f"SELECT llm('classify', {columns}) AS answer FROM {table}")


def test_the_first_prompts_are_shown_in_the_order_of_the_plan(
    spark: SparkSession, table: str
) -> None:
    spark.conf.set("spark.sparkllm.optimizer.columnOrder", "perGroup")
    try:
        (call,) = sparkllm.preview(query(spark, table), prompts=4).calls
    finally:
        spark.conf.unset("spark.sparkllm.optimizer.columnOrder")
    assert (call.task, call.columns, call.window) == ("classify", ("review", "product"), 10)
    assert len(call.prompts) == 4
    assert all(
        prompt.text.index("product: ") < prompt.text.index("review: ") for prompt in call.prompts
    )
    for before, prompt in zip(call.prompts, call.prompts[1:], strict=False):
        shared = prompt.shared
        assert before.text[:shared] == prompt.text[:shared]
        assert before.text[shared] != prompt.text[shared]
    assert 0.5 < call.shared < 1


def test_no_model_is_called_and_nothing_is_counted(spark: SparkSession, table: str) -> None:
    spark.conf.set("spark.sparkllm.model", "there is no such model")
    before = sparkllm.usage(spark).session
    try:
        assert sparkllm.preview(query(spark, table)).calls
    finally:
        spark.conf.unset("spark.sparkllm.model")
    assert sparkllm.usage(spark).session == before


def test_calls_are_asked_again_after_a_preview(spark: SparkSession, table: str) -> None:
    sparkllm.preview(query(spark, table))
    assert query(spark, table).where("answer IS NOT NULL").count() == 20


def test_every_call_of_a_query_is_shown(spark: SparkSession, table: str) -> None:
    both = spark.sql(
        f"SELECT llm('classify', review) AS a FROM {table} "
        "WHERE llm('Is {product} a lamp?', product, labels => array('yes', 'no')) = 'yes'"
    )
    shown = sparkllm.preview(both)
    assert [call.task for call in shown.calls] == ["Is {product} a lamp?"]
    two = spark.sql(
        f"SELECT llm('classify', review) AS a, llm('Name it', product) AS b FROM {table}"
    )
    assert {call.task for call in sparkllm.preview(two).calls} == {"classify", "Name it"}


def test_prompts_have_their_tokens_and_answers_where_they_are_asked_for(
    spark: SparkSession, table: str
) -> None:
    shown = sparkllm.preview(query(spark, table), prompts=2, answers=3)
    tokenizer = AutoTokenizer.from_pretrained(demo_model.path())
    for prompt in shown.calls[0].prompts:
        ids = tokenizer(prompt.text, add_special_tokens=False)["input_ids"]
        assert prompt.tokens == len(ids)
    assert shown.answers is not None
    assert shown.answers.columns == ("answer",)
    assert [len(answer) for (answer,) in shown.answers.rows] == [16, 16, 16]  # digests
    text = str(shown)
    assert f"prompt 1 · {shown.calls[0].prompts[0].tokens} tokens\n┃ Classify" not in text
    assert f"prompt 2 · {shown.calls[0].prompts[1].tokens} tokens\n┃ Classify" in text
    assert text.splitlines()[-1].strip() == shown.answers.rows[-1][0]
    assert "3 rows in " in text
    assert sparkllm.preview(query(spark, table)).answers is None


def test_a_query_without_calls_says_so(spark: SparkSession) -> None:
    assert str(sparkllm.preview(spark.range(3).toDF("id"))) == "the query made no call"


def test_shared_lines_are_marked_in_print() -> None:
    prompt = PreviewedPrompt("Classify.\nname: lamp 1\nprice: 2\n", len("Classify.\nname: lamp "))
    assert str(prompt) == "┃ Classify.\n┃ name: lamp ⟫1\n  price: 2"
    assert prompt.to_html() == ("<pre><mark>Classify.\nname: lamp </mark>1\nprice: 2\n</pre>")


@pytest.mark.long
@pytest.mark.skipif(importlib.util.find_spec("grpc") is None, reason="needs pyspark[connect]")
def test_a_connect_session_shows_its_prompts(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _CONNECT],
        cwd=tmp_path,
        env={**os.environ, "SPARK_TESTING": "1", "PYSPARK_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )
    assert "llm('classify', product, review)" in done.stdout
    assert 'product: "lamp"' in done.stdout
