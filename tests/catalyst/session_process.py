"""A Spark application of its own: evaluates Python expressions, one a line, in its session.

python session_process.py '{"spark.master": "local[2]", …}'

Reads a JSON string a line, a Python expression over `spark` and `F`; writes one line of JSON for
each: {"rows": …} or {"error": class name, "message": …}. The properties are set on the builder that
`sparkllm.catalyst.activate` gets, unless `"activate": false` is among them.
"""

import json
import os
import sys
from typing import Any

from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F


def _session(properties: dict[str, Any]) -> SparkSession:
    from sparkllm import catalyst

    activated = properties.pop("activate", True)
    builder = SparkSession.builder
    for name, value in properties.items():
        builder = builder.config(name, value)
    if activated:
        catalyst.activate(builder)
    return builder.getOrCreate()


def _answer(expression: str, spark: SparkSession) -> dict[str, Any]:
    from sparkllm import catalyst

    try:
        value = eval(expression, {"spark": spark, "F": F, "catalyst": catalyst})
        if isinstance(value, DataFrame):
            value = {"columns": value.columns, "rows": [list(row) for row in value.collect()]}
    except (PySparkException, catalyst.CatalystError) as error:
        return {"error": type(error).__name__, "message": str(error)}
    return {"value": value}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    spark = _session(json.loads(sys.argv[1]))
    for line in sys.stdin:
        print(json.dumps(_answer(json.loads(line), spark)), file=answers, flush=True)
    spark.stop()


if __name__ == "__main__":
    main()
