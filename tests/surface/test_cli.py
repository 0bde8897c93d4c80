"""The command line prints what the other ways into Spark need."""

import subprocess
import sys
from pathlib import Path

import pytest

from sparkllm import catalyst
from sparkllm.cli import main


def test_jar_prints_a_path_that_exists(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["jar"]) == 0
    assert Path(capsys.readouterr().out.strip()).is_file()


def test_conf_prints_a_properties_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conf"]) == 0
    properties = dict(line.split(" ", 1) for line in capsys.readouterr().out.splitlines())
    assert properties == {
        "spark.sql.extensions": catalyst.EXTENSION,
        "spark.jars": str(catalyst.jar()),
        "spark.pyspark.python": sys.executable,
    }


def test_conf_names_the_python_of_the_executors(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conf", "--python", "/opt/env/bin/python"]) == 0
    assert "spark.pyspark.python /opt/env/bin/python\n" in capsys.readouterr().out


def test_without_java_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    assert main(["jar"]) == 1
    assert "install Java 17 or newer" in capsys.readouterr().err


@pytest.mark.parametrize("given", [["--conf", "spark.ui.enabled"], ["--table", "=x.parquet"]])
def test_a_preview_that_is_told_half_a_pair_says_what_is_wanted(
    given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["preview", "--sql", "SELECT 1", *given]) == 1
    assert "a name, = and a value are wanted" in capsys.readouterr().err


@pytest.mark.long
def test_preview_shows_prompts_of_a_file_and_answers() -> None:
    reviews = Path(__file__).parents[2] / "sql_examples" / "data" / "reviews.csv"
    query = "SELECT review, llm('classify', review) AS answer FROM r"
    command = [
        sys.executable,
        "-c",
        "import sparkllm.cli; sparkllm.cli.main()",
        "preview",
        "--sql",
        query,
    ]
    done = subprocess.run(
        [*command, "--table", f"r={reviews}", "--prompts", "1", "--answers", "2"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "llm('classify', review): 300 prompts in the first window" in done.stdout
    assert "prompt 1 · " in done.stdout
    assert "2 rows in " in done.stdout
