"""The files of `sql_examples/` work; the jobs among them with the model that ships."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

_EXAMPLES = Path(__file__).parents[2] / "sql_examples"


@pytest.mark.parametrize("file", sorted(_EXAMPLES.glob("*.sql")), ids=lambda file: file.name)
def test_a_file_of_sql_runs(spark: SparkSession, file: Path) -> None:
    options = {"header": "true", "inferSchema": "true", "multiLine": "true", "escape": '"'}
    reviews = spark.read.options(**options).csv(str(_EXAMPLES / "data" / "reviews.csv"))
    reviews.createOrReplaceTempView("reviews")
    assert reviews.count() == 300
    for statement in file.read_text().split(";\n"):
        spark.sql(statement).collect()


def submit(script: str, *arguments: str, properties: Path | None = None) -> str:
    """Run an example with `spark-submit`, and return what it prints."""
    command = [
        str(Path(sys.executable).with_name("spark-submit")),
        *(("--properties-file", str(properties)) if properties else ()),
        "--conf",
        "spark.log.level=ERROR",
    ]
    done = subprocess.run(
        [*command, "--conf", "spark.ui.enabled=false", str(_EXAMPLES / script), *arguments],
        env={**os.environ, "PYSPARK_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def test_the_main_job_classifies_the_reviews_that_ship() -> None:
    out = submit("demo.py")
    summary = re.search(r"300 rows · (\d+) distinct prompts · ([\d,]+) prompt tokens", out)
    assert summary is not None, out
    assert int(summary[1]) <= 300
    assert "0 errors" in out
    accuracy = re.search(r"accuracy against stars: (\d\.\d+) over 300 rows", out)
    assert accuracy is not None, out
    assert float(accuracy[1]) > 0.70


def test_the_main_job_takes_a_table_and_labels_of_the_user(tmp_path: Path) -> None:
    table = tmp_path / "mine.json"
    rows = ['{"said": "I love it, works perfectly", "mood": "positive"}'] * 2
    table.write_text(
        "\n".join([*rows, '{"said": "Broke at once, waste of money", "mood": "negative"}'])
    )
    out = submit("demo.py", "--data", str(table), "--text", "said", "--label", "mood")
    assert "3 rows · 2 distinct prompts" in out
    assert "accuracy against mood: 1.000 over 3 rows" in out


def test_the_batch_job_writes_a_table(spark: SparkSession, tmp_path: Path) -> None:
    output = str(tmp_path / "answers.parquet")
    submit("batch_job.py", "--labels", "good,bad", "--output", output)
    answers = spark.read.parquet(output).groupBy("answer").count().collect()
    assert {row.answer for row in answers} <= {"good", "bad", None}
    assert sum(row["count"] for row in answers) == 300
