"""Run a file of SQL statements over the view `reviews` and print each result.

spark-submit sql_examples/run_sql.py sql_examples/classify.sql
"""

import sys
from pathlib import Path

import sparkllm
from tables import REVIEWS, read_table


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    spark = sparkllm.session(app_name="sparkllm SQL")
    read_table(spark, REVIEWS).createOrReplaceTempView("reviews")
    for statement in Path(sys.argv[1]).read_text().split(";\n"):
        if statement.strip():
            spark.sql(statement).show(20, truncate=60)
    print(sparkllm.usage(spark).session)
    spark.stop()


if __name__ == "__main__":
    main()
