"""One Spark session for all tests of this folder, with an engine whose answers are known."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

import sparkllm


@pytest.fixture(scope="session")
def engine_directory() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="slm") as directory:  # short, for the sockets in it
        yield directory


@pytest.fixture(scope="session")
def spark(
    tmp_path_factory: pytest.TempPathFactory, engine_directory: str
) -> Iterator[SparkSession]:
    session = sparkllm.session(
        "local[2]",
        config={
            "spark.ui.enabled": "false",
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse")),
            "spark.sparkllm.engine.implementation": "tests.engines:DigestEngine",
            "spark.sparkllm.engine.directory": engine_directory,
        },
    )
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


@pytest.fixture
def reviews() -> Path:
    return Path(__file__).parents[2] / "sql_examples" / "data" / "reviews.csv"
