"""The examples give equal answers in the `spark-sql` shell, over JDBC and over Spark Connect."""

import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sparkllm import functions
from tests.deployments.family import NAMES
from tests.deployments.servers import EXAMPLES, folder_for, run, thrift_and_connect

pytest.importorskip("grpc", reason="needs pyspark[connect]")

_FILES = sorted(EXAMPLES.glob("*.sql"))
_VIEW = "sql_examples/data/reviews.sql"
Results = dict[str, list[str]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("deployments")


@pytest.fixture(scope="module")
def engines() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="slm") as directory:  # short, for the sockets in it
        yield Path(directory)


@pytest.fixture(scope="module")
def ports(folder: Path, engines: Path) -> Iterator[tuple[int, int]]:
    """The ports of a Thrift server and of a Connect server."""
    with thrift_and_connect(folder_for(folder / "server", engines)) as ports:
        yield ports


def _script(folder: Path) -> str:
    """Write all examples as one file, each behind a row with its name."""
    texts = [f"SELECT '=== {file.name}';\n{file.read_text()};\n" for file in _FILES]
    (folder / "all.sql").write_text("".join(texts))
    return "all.sql"


def _by_file(lines: list[str]) -> Results:
    results: Results = {}
    for line in lines:
        if line.startswith("=== "):
            results[line.removeprefix("=== ")] = []
        else:
            results[list(results)[-1]].append(line)
    return results


@pytest.fixture(scope="module")
def in_the_shell(folder: Path, engines: Path) -> Results:
    here = folder_for(folder / "shell", engines)
    options = ("--master", "local[2]", "--properties-file", "sparkllm.conf")
    out = run(here, "spark-sql", *options, "-i", _VIEW, "-f", _script(here))
    return _by_file(out.splitlines())


@pytest.fixture(scope="module")
def over_jdbc(folder: Path, ports: tuple[int, int]) -> Results:
    here = folder / "server"
    url = f"jdbc:hive2://127.0.0.1:{ports[0]}"
    options = ("--silent=true", "--showHeader=false", "--outputformat=tsv2")
    out = run(here, "beeline", "-u", url, *options, "-i", _VIEW, "-f", _script(here))
    return _by_file(re.sub(r"\rnull *", "", out).splitlines())  # where it would draw its prompt


@pytest.fixture(scope="module")
def client(folder: Path, ports: tuple[int, int]) -> dict[str, Any]:
    module = ("-m", "tests.deployments.client", f"sc://127.0.0.1:{ports[1]}")
    facts: dict[str, Any] = json.loads(run(folder / "server", "python", *module).splitlines()[-1])
    return facts


@pytest.mark.parametrize("file", _FILES, ids=lambda file: file.name)
def test_an_example_gives_equal_answers_everywhere(
    file: Path, in_the_shell: Results, over_jdbc: Results, client: dict[str, Any]
) -> None:
    answers = in_the_shell[file.name]
    assert len(answers) >= 30
    assert over_jdbc[file.name] == answers
    assert client["rows"][file.name] == answers


def test_every_function_answers_over_connect_in_sql_and_in_python(client: dict[str, Any]) -> None:
    of_sql, of_python = client["family"]["sql"], client["family"]["python"]
    assert set(of_sql) == set(functions.__all__) == NAMES
    assert of_python == of_sql
    types = {name: kind for name, (kind, _) in of_sql.items()}
    assert types["llm_extract"] == "struct<what:string,stars:int>"
    assert types["llm_embed"] == "array<float>"
    said = {name: answer for name, (_, answer) in of_sql.items()}
    assert said["llm"] == "yes"
    assert said["llm_classify"] == "good"
    assert said["llm_filter"] == "True"
    assert 0.5 < float(said["llm_score"]) <= 1
    assert said["llm_sentiment"] == "positive"
    assert said["llm_embed"].startswith("[")
    assert float(said["llm_similarity"]) > 0.999
    assert int(said["llm_count_tokens"]) > 3


def test_a_connect_client_on_the_machine_of_its_server_sees_usage(client: dict[str, Any]) -> None:
    assert client["usage"] == [30, 10, 10]
    assert client["viewed"] == [client["usage"][0], client["usage"][2]]
