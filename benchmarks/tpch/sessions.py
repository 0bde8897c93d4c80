"""Two sessions of one application: with sparkllm's extension and without."""

from typing import Any

from pyspark.sql import SparkSession

from sparkllm import catalyst


def with_and_without(builder: SparkSession.Builder) -> tuple[SparkSession, SparkSession]:
    """Return a classic session with the extension and one without, of the same Spark context.

    Each has a catalog of its own.
    """
    without = builder.config("spark.jars", str(catalyst.jar())).getOrCreate()
    jvm: Any = without._jvm
    scala: Any = jvm.org.apache.spark.sql.classic.SparkSession
    scala.clearDefaultSession()
    scala.clearActiveSession()
    extensions = jvm.org.apache.spark.sql.sparkllm.LLMExtensions()
    extended = scala.builder().withExtensions(extensions).getOrCreate()
    return SparkSession(without.sparkContext, extended), without
