"""The extension in each way of starting Spark."""

import importlib.util
from pathlib import Path

import pyspark
import pytest

from sparkllm import catalyst
from tests.catalyst.application import answered, application

QUERY = "SELECT llm('classify', review, labels => array('a', 'b')) FROM (SELECT 'x' AS review)"
CALL = '{"columns": ["review"], "options": {"labels": ["a", "b"]}, "task": "classify"}'
SPARK_SUBMIT = Path(pyspark.__file__).parent / "bin" / "spark-submit"

needs_connect = pytest.mark.skipif(
    importlib.util.find_spec("grpc") is None, reason="needs pyspark[connect]"
)


def test_spark_submit_runs_the_jvm_before_the_application(tmp_path: Path) -> None:
    command = [str(SPARK_SUBMIT), "--master", "local[2]", "--conf", "spark.sql.extensions=a.Other"]
    with application(tmp_path, {}, command) as app:
        assert app.value("catalyst.is_active(spark)") is True
        assert app.calls(QUERY) == [(CALL, {"review": "x"})]
        extensions = app.value("spark.conf.get('spark.sql.extensions')")
        assert extensions == f"a.Other,{catalyst.EXTENSION}"


def test_a_session_without_the_extension_gets_the_function_by_attaching(tmp_path: Path) -> None:
    with application(tmp_path, {"spark.master": "local[2]", "activate": False}) as app:
        assert app.value("catalyst.is_active(spark)") is False
        assert app.value("catalyst.attach(spark)") is None
        assert app.value("catalyst.is_active(spark)") is True
        assert app.calls(QUERY) == [(CALL, {"review": "x"})]


@needs_connect
def test_a_connect_session_on_a_local_server(tmp_path: Path) -> None:
    properties = {"spark.remote": "local[2]", "spark.connect.grpc.binding.port": "0"}
    with application(tmp_path, properties, environment={"SPARK_TESTING": "1"}) as app:
        assert app.value("catalyst.is_active(spark)") is True
        assert app.calls(QUERY) == [(CALL, {"review": "x"})]
        assert "llm has no option colour" in app.error("SELECT llm('Ask it', 1, colour => 1)")
        _, [(answer,)] = app.table(
            "spark.range(1).select(F.call_function('llm', F.lit('Ask it'), F.struct('id'), "
            "F.create_map(F.lit('seed'), F.lit('1'))))"
        )
        assert answered(answer)[1] == {"id": 0}


@pytest.mark.long
def test_executors_of_their_own(tmp_path: Path) -> None:
    with application(tmp_path, {"spark.master": "local-cluster[2,1,1024]"}) as app:
        assert app.calls(QUERY.replace("(SELECT", "(SELECT /*+ REPARTITION(2) */")) == [
            (CALL, {"review": "x"})
        ]
