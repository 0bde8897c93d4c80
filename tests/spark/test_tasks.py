"""Tasks of users, called by their names in SQL."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

import sparkllm
from sparkllm.configuration import TASKS_PATH
from tests.engines import digest


@pytest.fixture
def fresh(spark: SparkSession) -> Iterator[SparkSession]:
    yield spark
    for name in ("mine", "versioned"):
        spark.conf.unset(f"spark.sparkllm.tasks.registered.{name}")
    spark.conf.unset(TASKS_PATH.name)


def test_a_registered_task_is_called_by_its_name(fresh: SparkSession) -> None:
    template = "Be {{ tone }}."
    task = {"name": "mine", "template": template, "options": ["tone"], "defaults": {"tone": "kind"}}
    sparkllm.tasks.register(fresh, task)
    calls = "llm('mine', x), llm('Mine', x, tone => 'short')"
    answered = fresh.sql(f"SELECT {calls} FROM VALUES ('a') AS t(x)").first()
    assert list(answered) == [digest('Be kind.\n\nx: "a"\n'), digest('Be short.\n\nx: "a"\n')]


def test_a_new_version_asks_again_and_the_old_one_does_not(fresh: SparkSession) -> None:
    calls = []
    for version in ("1", "1", "2"):
        task = {"name": "versioned", "template": "Look at versions", "version": version}
        sparkllm.tasks.register(fresh, task)
        fresh.sql("SELECT llm('versioned', x) FROM VALUES ('a') AS t(x)").collect()
        calls.append(sparkllm.usage(fresh).last.calls)
    assert calls == [1, 0, 1]


def test_a_yaml_file_is_a_task_on_groups(fresh: SparkSession, tmp_path: Path) -> None:
    document = Path(__file__).parents[2] / "docs" / "tasks.md"
    text = document.read_text().split("```yaml\n")[2].split("```")[0]
    (tmp_path / "complaints.yaml").write_text(text)
    fresh.conf.set(TASKS_PATH.name, str(tmp_path))
    answered = fresh.sql("SELECT llm('complaints', array('b', 'a', 'b', NULL))").first()
    assert answered[0] == digest('List the complaints.\n\ncol1: "a"\ncol1 (2 times): "b"\n')


def test_a_yaml_file_is_a_task_with_a_type(fresh: SparkSession, tmp_path: Path) -> None:
    document = Path(__file__).parents[2] / "docs" / "tasks.md"
    (tmp_path / "stars.yaml").write_text(document.read_text().split("```yaml\n")[1].split("```")[0])
    fresh.conf.set(TASKS_PATH.name, str(tmp_path))
    frame = fresh.sql("SELECT llm('stars', x, strict => true) AS stars FROM VALUES ('a') AS t(x)")
    assert frame.schema["stars"].dataType.simpleString() == "int"
    [call] = sparkllm.preview(frame).calls
    assert call.prompts[0].text == (
        "How many stars does the writer give, from 1 to 5?\n"
        'Give 5 only where nothing at all is criticised.\n\nx: "a"\n'
    )


def test_what_is_wrong_with_a_task_or_a_call_of_it_is_said(
    fresh: SparkSession, tmp_path: Path
) -> None:
    sparkllm.tasks.register(fresh, {"name": "mine", "template": "{{ a }}", "options": ["a"]})
    for call, says in {
        "llm('mine', 'x')": "task mine needs the option a",
        "llm('mine', 'x', a => 'b', c => 1)": "task mine has no option c: the options are a, ",
        "llm('yours', 'x')": "unknown task 'yours': the tasks are agg, classify",
    }.items():
        with pytest.raises(PySparkException, match=says):
            fresh.sql(f"SELECT {call}").collect()
    (tmp_path / "wrong.yaml").write_text("name: [")
    fresh.conf.set(TASKS_PATH.name, str(tmp_path))
    with pytest.raises(PySparkException, match=r"tasks can't be read from .*wrong.yaml"):
        fresh.sql("SELECT llm('yours', 'x')").collect()
