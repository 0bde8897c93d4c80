"""A Spark application of its own: evaluates Python expressions in its session.

python session_process.py ADDRESS '{"spark.master": "local[2]", …}'

Connects to a `multiprocessing.connection.Listener` at ADDRESS and answers each expression over
`spark`, `F` and `catalyst` that comes from there: ("value", value), ("table", columns, rows) for a
DataFrame, or ("raised", class name, message). An empty expression ends the application. The builder
goes through `catalyst.activate`, unless `"activate": false` is among the properties.
"""

import json
import sys
from multiprocessing.connection import Client
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from sparkllm import catalyst


def _session(properties: dict[str, Any]) -> SparkSession:
    activated = properties.pop("activate", True)
    builder = SparkSession.builder.config(map=properties)
    if activated:
        catalyst.activate(builder)
    return builder.getOrCreate()


def _answer(expression: str, spark: SparkSession) -> tuple[Any, ...]:
    try:
        value = eval(expression, {"spark": spark, "F": F, "catalyst": catalyst})
        if hasattr(value, "collect"):
            return "table", value.columns, [tuple(row) for row in value.collect()]
        return "value", value
    except (PySparkException, catalyst.CatalystError) as error:
        return "raised", type(error).__name__, str(error)


def main() -> None:
    with Client(sys.argv[1]) as tests:
        spark = _session(json.loads(sys.argv[2]))
        while expression := tests.recv():
            tests.send(_answer(expression, spark))
        spark.stop()


if __name__ == "__main__":
    main()
