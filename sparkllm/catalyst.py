"""Finding or building the jar of sparkllm's Catalyst extension, and putting it into a session.

The Scala compiler is one of pyspark's own jars, so that Java is all it takes. A jar is built once
for each version of Spark and of the sources, into the user's cache.
"""

import argparse
import hashlib
import logging
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyspark
from filelock import FileLock
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from sparkllm.functions import declared
from sparkllm.java import JavaNotFoundError, require_java
from sparkllm.tasks import vocabulary

EXTENSION = "org.apache.spark.sql.sparkllm.LLMExtensions"
_EXTENSIONS_KEY = "spark.sql.extensions"
_JARS_KEY = "spark.jars"
_PACKAGE = Path(__file__).parent
_VOCABULARY = EXTENSION.rpartition(".")[0].replace(".", "/") + "/vocabulary.json"
_SHORT_RUN = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
_LOG = logging.getLogger(__name__)


class CatalystError(RuntimeError):
    """The jar cannot be built or put into a session; the message says why."""


def jar() -> Path:
    """Return the path of the extension's jar for the installed Spark, built if it is not there.

    Safe to call from several processes at once: one builds, the others wait for it.

    Raises:
        CatalystError: there is no Java, no Spark, no place to write, or the compiler failed.
    """
    sources = _sources()
    home = _spark_home()
    path = _cache() / f"sparkllm-catalyst-{_spark_version(home)}-{_digest(sources)}.jar"
    if path.exists():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):
            if not path.exists():
                _LOG.info("building %s, once for this version of Spark", path)
                _build(sources, home, path)
    except OSError as error:
        raise CatalystError(
            f"the Catalyst extension cannot be written to {path.parent} ({error}): "
            "set XDG_CACHE_HOME to a folder that can be written"
        ) from error
    return path


def properties() -> dict[str, str]:
    """Return the Spark properties that load the extension into a session without other ones.

    Raises:
        CatalystError: as `jar` does.
    """
    return merge({})


def merge(existing: Mapping[str, str]) -> dict[str, str]:
    """Return the properties that load the extension beside those that `existing` loads.

    Only the two properties that have to be set are returned, not all of `existing`.

    Raises:
        CatalystError: as `jar` does.
    """
    return {
        _EXTENSIONS_KEY: _appended(existing.get(_EXTENSIONS_KEY, ""), EXTENSION),
        _JARS_KEY: _appended(existing.get(_JARS_KEY, ""), str(jar())),
    }


def activate(builder: SparkSession.Builder) -> None:
    """Make the sessions that `builder` creates load the extension.

    Extensions and jars that the builder, the command line of `spark-submit` or
    `spark-defaults.conf` load already stay. Where the JVM runs already (`spark-submit app.py`), the
    jar is added to its class path, as `spark.jars` comes too late for that. A builder for a remote
    Connect server (`sc://…`) is left alone: extensions are loaded where that server is started.

    Whether it worked can only be seen in the session: see `is_active` and `attach`.

    Raises:
        CatalystError: as `jar` does.
    """
    options = {name: str(value) for name, value in builder._options.items()}
    if options.get("spark.remote", os.environ.get("SPARK_REMOTE", "")).startswith("sc://"):
        return
    if _jvm_runs():
        _add_to_class_path(jar())
    builder.config(map={**merge(existing(options))})


def is_active(spark: SparkSession) -> bool:
    """Return whether `llm` in this session, classic or Connect, is the extension's function."""
    if not spark.catalog.functionExists("llm"):
        return False
    rows = spark.sql("DESCRIBE FUNCTION llm").collect()
    return any(EXTENSION.rpartition(".")[0] in row[0] for row in rows)


def attach(spark: SparkSession) -> None:
    """Add `llm` to a classic session that runs already, started without the extension.

    Raises:
        CatalystError: as `jar` does, or the session is not a classic one on a JVM of ours.
    """
    try:
        session = spark._jsparkSession
    except (AttributeError, PySparkException) as error:
        raise CatalystError(
            "a Spark Connect server must be started with the extension: give it the properties "
            f"{_EXTENSIONS_KEY} and {_JARS_KEY}"
        ) from error
    _add_to_class_path(jar())
    jvm: Any = spark._jvm
    jvm.org.apache.spark.sql.sparkllm.LLMExtensions.attach(session)


def existing(options: Mapping[str, str]) -> dict[str, str]:
    """Return the properties of a session to come: `options`, and what it gets from elsewhere.

    Raises:
        CatalystError: there is no Spark.
    """
    return {**_defaults(), **options}


def _appended(existing: str, entry: str) -> str:
    entries = [part.strip() for part in existing.split(",") if part.strip()]
    return ",".join(entries if entry in entries else [*entries, entry])


def _jvm_runs() -> bool:
    from pyspark import SparkContext

    return SparkContext._gateway is not None or "PYSPARK_GATEWAY_PORT" in os.environ


def _defaults() -> Mapping[str, str]:
    """Return what a builder's values would take the place of, before any of them is set."""
    if _jvm_runs():
        from pyspark import SparkConf, SparkContext

        SparkContext._ensure_initialized()
        return dict(SparkConf().getAll())
    return {**_defaults_file(), **_submit_arguments()}


def _defaults_file() -> Mapping[str, str]:
    folder = os.environ.get("SPARK_CONF_DIR") or _spark_home() / "conf"
    file = Path(folder, "spark-defaults.conf")
    lines = file.read_text().splitlines() if file.exists() else []
    entries = (re.fullmatch(r"\s*([^#!\s=:]+)(?:\s*[=:]\s*|\s+)(.*?)\s*", line) for line in lines)
    return {entry[1]: entry[2] for entry in entries if entry}


def _submit_arguments() -> Mapping[str, str]:
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--conf", "-c", action="append", default=[])
    parser.add_argument("--jars")
    parser.add_argument("--master")
    given, _ = parser.parse_known_args(shlex.split(os.environ.get("PYSPARK_SUBMIT_ARGS", "")))
    entries = dict(entry.split("=", 1) for entry in given.conf if "=" in entry)
    flags = {_JARS_KEY: given.jars, "spark.master": given.master}
    return entries | {name: value for name, value in flags.items() if value}


def _add_to_class_path(path: Path) -> None:
    """Add a jar to the class path of the driver's JVM, which runs already."""
    from py4j.java_gateway import is_instance_of
    from py4j.protocol import Py4JJavaError
    from pyspark import SparkContext

    SparkContext._ensure_initialized()
    jvm: Any = SparkContext._jvm
    loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
    try:
        loader.loadClass(EXTENSION)
    except Py4JJavaError:
        while loader is not None and not is_instance_of(
            SparkContext._gateway, loader, "org.apache.spark.util.MutableURLClassLoader"
        ):
            loader = loader.getParent()
        if loader is None:
            raise CatalystError(
                f"the running driver takes no further jars: start it with --jars {path}"
            ) from None
        loader.addURL(jvm.java.io.File(str(path)).toURI().toURL())


def _sources() -> list[Path]:
    """Return the Scala files: beside this one in a wheel, else those of the source tree."""
    for folder in (_PACKAGE / "_catalyst", _PACKAGE.parent / "optimizer" / "catalyst"):
        if sources := sorted(folder.glob("*.scala")):
            return sources
    raise CatalystError(f"the sources of the Catalyst extension are missing beside {_PACKAGE}")


def _digest(sources: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for source in sources:
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    digest.update(vocabulary(declared()).encode())
    return digest.hexdigest()[:16]


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "sparkllm")


def _spark_home() -> Path:
    home = Path(os.environ.get("SPARK_HOME") or Path(pyspark.__file__).parent)
    if not (home / "jars").is_dir():
        raise CatalystError(
            f"there are no jars of Spark in {home}: install the pyspark package, or set SPARK_HOME"
        )
    return home


def _spark_version(home: Path) -> str:
    for file in (home / "jars").glob("spark-catalyst_*.jar"):
        return file.stem.removeprefix("spark-catalyst_")
    raise CatalystError(f"there is no spark-catalyst jar in {home / 'jars'}")


def _build(sources: Iterable[Path], home: Path, path: Path, *flags: str) -> None:
    """Compile `sources` into a new file, which then takes its place at `path` at once.

    Raises:
        CatalystError: there is no Java, or the compiler failed; with what it wrote.
    """
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        built = Path(folder, path.name)
        command = [_java(), *_SHORT_RUN, "-cp", str(home / "jars" / "*"), "scala.tools.nsc.Main"]
        command += ["-usejavacp", *flags, "-d", str(built), *map(str, sources)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0 or not built.exists():
            raise CatalystError(
                f"the Catalyst extension does not compile against Spark {_spark_version(home)}:\n"
                f"{done.stdout}{done.stderr}"
            )
        with zipfile.ZipFile(built, "a") as file:
            file.writestr(_VOCABULARY, vocabulary(declared()))
        built.replace(path)


def _java() -> str:
    try:
        require_java()
    except JavaNotFoundError as error:
        raise CatalystError(str(error)) from error
    home = os.environ.get("JAVA_HOME")
    return str(Path(home, "bin", "java")) if home else shutil.which("java") or "java"
