"""The answers of the model that ships to the reviews that ship, in SQL and in the DataFrame API.

    python -m tests.spark.answers MASTER DIRECTORY

It prints both lists of answers as one JSON object.
"""

import json
import sys
from pathlib import Path

import sparkllm
from sparkllm.functions import llm

_REVIEWS = str(Path(__file__).parents[2] / "sql_examples" / "data" / "reviews.csv")


def main() -> None:
    master, directory = sys.argv[1:3]
    config = {
        "spark.ui.enabled": "false",
        "spark.log.level": "ERROR",
        "spark.sparkllm.engine.directory": directory,
    }
    spark = sparkllm.session(master, config=config)
    options = {"header": "true", "inferSchema": "true", "multiLine": "true", "escape": '"'}
    reviews = spark.read.options(**options).csv(_REVIEWS).repartition(4, "id")
    reviews.createOrReplaceTempView("reviews")
    query = "SELECT id, llm('classify', review) AS answer FROM reviews ORDER BY id"
    in_sql = [row.answer for row in spark.sql(query).collect()]
    frame = reviews.select("id", llm("classify", "review").alias("answer")).orderBy("id")
    in_frame = [row.answer for row in frame.collect()]
    sys.stdout.write(json.dumps({"sql": in_sql, "frame": in_frame}) + "\n")
    spark.stop()


if __name__ == "__main__":
    main()
