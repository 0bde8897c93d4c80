"""A driver in a process of its own: tests run it, look at its engine processes, and kill it.

    python -m tests.spark.driver MASTER DIRECTORY IMPLEMENTATION ROWS [PROPERTIES]

PROPERTIES, as JSON, are added to the session's. It prints one JSON line for each thing that a test
waits for.
"""

import json
import sys

import sparkllm
from sparkllm.functions import llm


def say(**facts: object) -> None:
    """Print a line for the test."""
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def main() -> None:
    master, directory, implementation, rows = sys.argv[1:5]
    properties = json.loads(sys.argv[5]) if len(sys.argv) > 5 else {}
    spark = sparkllm.session(
        master,
        config={
            "spark.ui.enabled": "false",
            "spark.log.level": "ERROR",
            "spark.sparkllm.engine.directory": directory,
            "spark.sparkllm.engine.implementation": implementation,
            "spark.sparkllm.worker.windowRows": "50",
            **properties,
        },
    )
    table = spark.range(int(rows), numPartitions=4).selectExpr("id", "concat('row ', id) AS x")
    say(ready=True)
    answered = table.select("id", "x", llm("classify", "x").alias("answer")).collect()
    spent = sparkllm.usage(spark).last
    answers = [[row.id, row.answer] for row in answered]
    say(rows=answers, calls=spent.calls, errors=spent.errors)
    sys.stdin.readline()
    spark.stop()
    say(stopped=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
