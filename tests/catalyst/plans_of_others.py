"""Plans of queries that don't call `llm`, with the extension and without, as one JSON object.

    python -m tests.catalyst.plans_of_others WAREHOUSE

{"plans": {query: {kind of plan: [with, without]}}, "times": {query: [ms with, ms without]}}
"""

import json
import re
import sys

from pyspark.sql import SparkSession

from benchmarks.planning import in_turns
from benchmarks.tpch import create_tables, queries, with_and_without

_ROUNDS = 1


def _normalised(plan: str) -> str:
    """Number expression ids and plan ids by their first appearance."""
    numbers: dict[str, int] = {}
    return re.sub(
        r"(?<=#)\d+|(?<=plan_id=)\d+", lambda id: str(numbers.setdefault(id[0], len(numbers))), plan
    )


def _plans(spark: SparkSession, query: str) -> dict[str, str]:
    plans = {}
    for adaptive in ("true", "false"):
        spark.conf.set("spark.sql.adaptive.enabled", adaptive)
        execution = spark.sql(query)._jdf.queryExecution()
        plans[f"optimized, adaptive {adaptive}"] = execution.optimizedPlan().toString()
        plans[f"executed, adaptive {adaptive}"] = execution.executedPlan().toString()
    return {kind: _normalised(plan) for kind, plan in plans.items()}


def main() -> None:
    builder = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    builder = builder.config("spark.sql.warehouse.dir", sys.argv[1])
    builder = builder.config("spark.sql.maxMetadataStringLength", "100000")
    builder = builder.config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1")
    both = with_and_without(builder.config("spark.log.level", "ERROR"))
    extended, plain = both
    for spark in both:
        create_tables(spark)
    found: dict[str, dict[str, object]] = {"plans": {}, "times": {}}
    for name, query in queries().items():
        of_both = [_plans(spark, query) for spark in both]
        found["plans"][name] = {kind: [plans[kind] for plans in of_both] for kind in of_both[0]}
        found["times"][name] = in_turns((extended, query), (plain, query), _ROUNDS)
    found["functions"] = {
        str(number): [row[0] for row in spark.sql("SHOW FUNCTIONS LIKE 'llm'").collect()]
        for number, spark in enumerate(both)
    }
    sys.stdout.write(json.dumps(found) + "\n")
    plain.stop()


if __name__ == "__main__":
    main()
