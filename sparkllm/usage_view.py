"""The view `sparkllm_usage` of a session: what its queries cost, for SQL."""

from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql.functions import udtf

from sparkllm.worker.usage_rows import COLUMNS, UsageRows

VIEW = "sparkllm_usage"


def create_usage_view(spark: SparkSession) -> None:
    """Create the temporary view, whose rows are those of the moment in which it is read.

    It has a row for each pass of each query, see `Ledger`.
    """
    function = f"{VIEW}_rows"
    rows: Any = udtf(UsageRows, returnType=COLUMNS)
    spark.udtf.register(function, rows)
    spark.sql(f"CREATE OR REPLACE TEMPORARY VIEW {VIEW} AS SELECT * FROM {function}()")
