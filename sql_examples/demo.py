"""The main job: classify a column of a table, and compare with a column of labels.

spark-submit sql_examples/demo.py [--data TABLE --text COLUMN [--label COLUMN]]
"""

import argparse
import time

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as sql

import sparkllm
from sparkllm.functions import llm
from tables import REVIEWS, read_table

SENTIMENTS = ["positive", "negative", "neutral"]
MOST_LABELS = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=REVIEWS, help="a .parquet, .csv or .json table")
    parser.add_argument("--text", default="review", help="the column to classify")
    parser.add_argument("--label", help="a column of stars (1 to 5) or of labels to compare with")
    parser.add_argument("--rows", type=int, default=20, help="rows of the result to print")
    args = parser.parse_args()
    if args.data == REVIEWS and args.label is None:
        args.label = "stars"

    spark = sparkllm.session(app_name="sparkllm demo")
    table = read_table(spark, args.data)
    for name in filter(None, (args.text, args.label)):
        if name not in table.columns:
            parser.error(f"{args.data} has no column {name}: it has {', '.join(table.columns)}")
    labels, expected = labels_of(table, args.label)
    rows = table.count()

    started = time.monotonic()
    answered = table.withColumn("answer", llm("classify", args.text, labels=labels)).persist()
    with sparkllm.progress(spark, rows):
        answered.count()
    seconds = time.monotonic() - started

    text = sql.substring(sql.regexp_replace(args.text, r"\s+", " "), 1, 80).alias(args.text)
    shown = [text, *([args.label] if args.label else []), "answer"]
    answered.select(*shown).show(args.rows, truncate=False)
    print(f"{sparkllm.usage(spark).session} · {seconds:,.1f} seconds")
    if expected is not None:
        print_accuracy(answered, expected, args.label)
    spark.stop()


def labels_of(table: DataFrame, label: str | None) -> tuple[list[str], Column | None]:
    """Return the labels to choose from, and the right one as a column, if there is one."""
    if label is None:
        return SENTIMENTS, None
    values = [row[0] for row in table.select(label).distinct().limit(MOST_LABELS + 1).collect()]
    present = [value for value in values if value is not None]
    stars = sql.expr(f"try_cast(`{label}` AS DOUBLE)")
    if all(
        str(value) in ("1", "2", "3", "4", "5", "1.0", "2.0", "3.0", "4.0", "5.0")
        for value in present
    ):
        positive = sql.when(stars >= 4, "positive").when(stars <= 2, "negative")
        return SENTIMENTS, sql.when(stars.isNotNull(), positive.otherwise("neutral"))
    if len(present) > MOST_LABELS:
        raise SystemExit(f"column {label} has more than {MOST_LABELS} labels")
    return sorted(str(value) for value in present), sql.col(label).cast("string")


def print_accuracy(answered: DataFrame, expected: Column, label: str) -> None:
    """Print the share of right answers, in all and by label."""
    judged = answered.select("answer", expected.alias("expected")).where("expected IS NOT NULL")
    right = sql.avg(sql.expr("CAST(coalesce(answer = expected, false) AS DOUBLE)"))
    by_label = judged.groupBy("expected").agg(sql.count("*"), right).orderBy("expected").collect()
    total = sum(row[1] for row in by_label)
    if not total:
        return
    accuracy = sum(row[1] * row[2] for row in by_label) / total
    detail = ", ".join(f"{row[0]} {row[2]:.3f} of {row[1]:,}" for row in by_label)
    print(f"accuracy against {label}: {accuracy:.3f} over {total:,} rows ({detail})")


if __name__ == "__main__":
    main()
