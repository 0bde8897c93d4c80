"""A query with usage of known numbers, and what the Spark UI's REST API says of it.

    python -m tests.spark.metrics DIRECTORY RECORD

It prints the metrics of the operator `LLMEval`, by name, as one JSON object. The engine adds each
prompt that it is asked to the file RECORD.
"""

import json
import sys
import time
from typing import Any
from urllib.request import urlopen

from pyspark.sql import SparkSession

import sparkllm

_ROWS = [("good",), ("bad",), ("good",), (None,), ("far too long",), ("good",), (None,), ("fine",)]


def _metrics(spark: SparkSession) -> dict[str, str]:
    context = spark.sparkContext
    url = f"{context.uiWebUrl}/api/v1/applications/{context.applicationId}/sql?details=true"
    end = time.monotonic() + 60
    while True:  # the UI hears of a query a little later than the query's caller
        with urlopen(url) as answer:
            queries: list[dict[str, Any]] = json.load(answer)
        operators = [
            {metric["name"]: metric["value"] for metric in node["metrics"]}
            for query in queries
            if query["status"] == "COMPLETED"
            for node in query["nodes"]
            if node["nodeName"] == "LLMEval"
        ]
        if operators and operators[0]:
            (operator,) = operators
            return operator
        assert time.monotonic() < end, queries
        time.sleep(0.2)


def main() -> None:
    spark = sparkllm.session(
        "local[2]",
        model=sys.argv[2],
        config={
            "spark.ui.enabled": "true",
            "spark.ui.port": "0",
            "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1",
            "spark.log.level": "ERROR",
            "spark.sparkllm.engine.implementation": "tests.engines:RecordingEngine",
            "spark.sparkllm.engine.directory": sys.argv[1],
        },
    )
    table = spark.createDataFrame(_ROWS, "review STRING").coalesce(1)
    table.createOrReplaceTempView("reviews")
    spark.sql("SELECT llm('Look at it', review) FROM reviews").write.format("noop").mode(
        "overwrite"
    ).save()
    sys.stdout.write(json.dumps(_metrics(spark)) + "\n")
    spark.stop()


if __name__ == "__main__":
    main()
