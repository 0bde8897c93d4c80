"""Reading the tables of the examples, whatever their file format."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

REVIEWS = str(Path(__file__).with_name("data") / "reviews.csv")


def read_table(spark: SparkSession, path: str) -> DataFrame:
    """Read a CSV (with header), JSON lines or Parquet file or directory, by the path's ending."""
    kind = path.removesuffix(".gz").rpartition(".")[2]
    if kind == "csv":
        options = {"header": "true", "inferSchema": "true", "multiLine": "true", "escape": '"'}
        return spark.read.options(**options).csv(path)
    if kind in ("json", "jsonl"):
        return spark.read.json(path)
    return spark.read.parquet(path)
