"""A batch job: read a table, classify a column, write the table with the answers.

spark-submit sql_examples/batch_job.py --input reviews.csv --text review --output answers.parquet
"""

import argparse

import sparkllm
from sparkllm.functions import llm
from tables import REVIEWS, read_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--input", default=REVIEWS, help="a .parquet, .csv or .json table")
    parser.add_argument("--text", default="review", help="the column to classify")
    parser.add_argument("--labels", default="positive,negative,neutral", help="separated by commas")
    parser.add_argument("--output", required=True, help="Parquet directory; must not exist")
    args = parser.parse_args()

    spark = sparkllm.session(app_name="sparkllm batch job")
    table = read_table(spark, args.input)
    answered = table.withColumn("answer", llm("classify", args.text, labels=args.labels))
    with sparkllm.progress(spark):
        answered.write.parquet(args.output)
    print(f"{args.output}: {sparkllm.usage(spark).last}")
    spark.stop()


if __name__ == "__main__":
    main()
