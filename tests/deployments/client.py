"""A client of a Spark Connect server that runs all examples.

    python -m tests.deployments.client sc://HOST:PORT

It prints one JSON object: the rows of each file, the usage of one more query of 30 rows, as
Python and as SQL have it, and what each function answers with the model that ships.
"""

import json
import sys

import sparkllm
from sparkllm.configuration import ENGINE_IMPLEMENTATION
from sparkllm.functions import llm
from tests.deployments.family import answers
from tests.deployments.servers import EXAMPLES


def _shown(value: object) -> str:
    return "NULL" if value is None else str(value)


def main() -> None:
    spark = sparkllm.session(sys.argv[1])
    view = (EXAMPLES / "data" / "reviews.sql").read_text().strip().removesuffix(";")
    spark.sql(view).collect()
    rows = {}
    for file in sorted(EXAMPLES.glob("*.sql")):
        statements = file.read_text().split(";\n")
        results = [row for statement in statements for row in spark.sql(statement).collect()]
        rows[file.name] = ["\t".join(map(_shown, row)) for row in results]
    numbers = spark.range(30, numPartitions=1).selectExpr("id % 10 AS number")
    asked = numbers.select(llm("Is this an even number?", "number", labels=["yes", "no"]))
    assert len(asked.collect()) == 30
    used = sparkllm.usage(spark).last
    (viewed,) = spark.sql(
        "SELECT rows, calls FROM sparkllm_usage WHERE pass LIKE '%even number%'"
    ).collect()
    spark.conf.set(ENGINE_IMPLEMENTATION.name, ENGINE_IMPLEMENTATION.default)
    facts = {
        "family": answers(spark),
        "rows": rows,
        "usage": [used.rows, used.distinct, used.calls],
        "viewed": [viewed.rows, viewed.calls],
    }
    sys.stdout.write(json.dumps(facts) + "\n")
    spark.stop()


if __name__ == "__main__":
    main()
