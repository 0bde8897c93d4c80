"""Building the extension's jar once, and the properties that load it."""

import logging
import multiprocessing
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from sparkllm import catalyst
from sparkllm.catalyst import EXTENSION, CatalystError, jar

JAVA = """#!/bin/sh
if [ "$1" = -version ]; then echo 'openjdk version "17.0.1"' >&2; exit 0; fi
echo compiling >> "{log}"
while [ "$1" != -d ]; do shift; done
{then}
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "sparkllm"


@pytest.fixture(autouse=True)
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "wheel" / "_catalyst"
    folder.mkdir(parents=True)
    (folder / "A.scala").write_text("object A")
    monkeypatch.setattr(catalyst, "_PACKAGE", folder.parent)
    return folder


class Compiler:
    """A Java whose Scala compiler takes its time, counts its runs, and writes a file."""

    def __init__(self, home: Path, then: str) -> None:
        self._log = home / "log"
        (home / "bin").mkdir(parents=True)
        java = home / "bin" / "java"
        java.write_text(JAVA.format(log=self._log, then=then))
        java.chmod(0o755)

    @property
    def runs(self) -> int:
        return len(self._log.read_text().splitlines()) if self._log.exists() else 0


@pytest.fixture
def compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Compiler:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "java"))
    return Compiler(tmp_path / "java", 'sleep 0.3; echo jar > "$2"')


def _jars_of_spark(home: Path, version: str) -> Path:
    (home / "jars").mkdir(parents=True)
    (home / "jars" / f"spark-catalyst_2.13-{version}.jar").touch()
    return home


def test_the_jar_is_built_once_and_used_again(compiler: Compiler, cache: Path) -> None:
    first = jar()
    assert first.parent == cache
    assert first.read_bytes().startswith(b"jar\n")  # and the vocabulary
    assert jar() == first
    assert compiler.runs == 1


def test_processes_that_start_at_once_build_one_jar(compiler: Compiler, cache: Path) -> None:
    with multiprocessing.get_context("fork").Pool(4) as pool:
        paths = [pool.apply_async(jar) for _ in range(4)]
        assert len({path.get(timeout=60) for path in paths}) == 1
    assert compiler.runs == 1
    assert len(list(cache.glob("*.jar"))) == 1


def test_other_sources_make_another_jar(compiler: Compiler, sources: Path) -> None:
    paths = {jar()}
    (sources / "A.scala").write_text("object A { }")
    paths.add(jar())
    (sources / "A.scala").rename(sources / "B.scala")
    paths.add(jar())
    assert len(paths) == compiler.runs == 3


def test_another_spark_makes_another_jar(
    compiler: Compiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = []
    for version in ("4.0.5", "4.3.0"):
        monkeypatch.setenv("SPARK_HOME", str(_jars_of_spark(tmp_path / version, version)))
        paths.append(jar())
    assert ["4.0.5" in path.name for path in paths] == [True, False]
    assert compiler.runs == 2


def test_what_the_compiler_says_is_in_the_error(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Compiler(tmp_path / "java", "echo 'A.scala:1: error: not found'; exit 1")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "java"))
    with pytest.raises(CatalystError, match=r"does not compile against Spark(.|\n)*not found"):
        jar()
    assert not list(cache.glob("*.jar"))


def test_a_missing_java_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "nowhere"))
    with pytest.raises(CatalystError, match="nowhere"):
        jar()


def test_a_cache_that_cannot_be_written_is_named(
    compiler: Compiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(CatalystError, match="set XDG_CACHE_HOME"):
        jar()


def test_a_pyspark_without_jars_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_HOME", str(tmp_path))
    with pytest.raises(CatalystError, match="there are no jars of Spark"):
        jar()


def test_the_sources_compile_without_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalyst, "_PACKAGE", Path(catalyst.__file__).parent)
    strict = ("-Werror", "-deprecation", "-feature", "-unchecked", "-Xlint", "-Wunused")
    built = tmp_path / "strict.jar"
    catalyst._build(catalyst._sources(), catalyst._spark_home(), built, *strict)
    assert built.exists()


def test_the_properties_load_the_extension(compiler: Compiler) -> None:
    assert catalyst.properties() == {
        "spark.sql.extensions": EXTENSION,
        "spark.jars": str(jar()),
    }


def test_merging_keeps_what_was_there_and_adds_nothing_twice(compiler: Compiler) -> None:
    existing = {"spark.sql.extensions": "a.B, c.D", "spark.jars": "/x.jar", "spark.master": "local"}
    merged = catalyst.merge(existing)
    assert merged == {
        "spark.sql.extensions": f"a.B,c.D,{EXTENSION}",
        "spark.jars": f"/x.jar,{jar()}",
    }
    assert catalyst.merge(merged) == merged


class TestBuilder:
    """What `activate` sets on a builder while no JVM runs."""

    @pytest.fixture(autouse=True)
    def without_jvm(
        self, compiler: Compiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(catalyst, "_jvm_runs", lambda: False)
        monkeypatch.setenv("SPARK_CONF_DIR", str(tmp_path))
        for name in ("PYSPARK_SUBMIT_ARGS", "SPARK_REMOTE"):
            monkeypatch.delenv(name, raising=False)

    def options(self, **given: str) -> dict[str, Any]:
        builder = SparkSession.Builder()
        for name, value in given.items():
            builder.config(name, value)
        catalyst.activate(builder)
        return builder._options

    def test_other_extensions_of_the_builder_stay(self) -> None:
        options = self.options(**{"spark.sql.extensions": "a.B", "spark.app.name": "n"})
        assert options == {**catalyst.merge({"spark.sql.extensions": "a.B"}), "spark.app.name": "n"}

    def test_the_defaults_file_stays(self, tmp_path: Path) -> None:
        (tmp_path / "spark-defaults.conf").write_text(
            "# comment\nspark.sql.extensions   a.B\nspark.jars=/x.jar\nspark.other: 1\n"
        )
        existing = {"spark.sql.extensions": "a.B", "spark.jars": "/x.jar"}
        assert self.options() == catalyst.merge(existing)

    def test_the_submit_arguments_stay(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(
            "PYSPARK_SUBMIT_ARGS",
            "--jars /x.jar --driver-memory 1g --conf 'spark.sql.extensions=a.B' pyspark-shell",
        )
        existing = {"spark.sql.extensions": "a.B", "spark.jars": "/x.jar"}
        assert self.options() == catalyst.merge(existing)

    def test_a_remote_server_is_left_alone(self) -> None:
        assert self.options(**{"spark.remote": "sc://host"}) == {"spark.remote": "sc://host"}

    def test_a_local_connect_server_gets_the_extension(self) -> None:
        assert EXTENSION in self.options(**{"spark.remote": "local[2]"})["spark.sql.extensions"]


def test_a_build_is_announced(compiler: Compiler, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "sparkllm.catalyst"):
        built = jar()
    assert str(built) in caplog.text


def test_the_home_directory_holds_the_cache_by_default(
    compiler: Compiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert jar().parent == tmp_path / ".cache" / "sparkllm"
