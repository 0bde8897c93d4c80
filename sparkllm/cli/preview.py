"""`sparkllm preview`: the prompts of a query, and its first answers if they are asked for."""

import argparse
from pathlib import Path

from sparkllm.prompt_preview import preview
from sparkllm.sessions import session

_CSV: dict[str, bool | str] = {
    "header": True,
    "inferSchema": True,
    "multiLine": True,
    "escape": '"',
}


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    command.add_argument("--sql", required=True, help="a query that calls llm")
    command.add_argument(
        "--table",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="a .parquet, .csv or .json file or folder that the query calls NAME; may be repeated",
    )
    command.add_argument("--prompts", type=int, default=3, help="prompts of each call to show")
    command.add_argument("--rows", type=int, default=1000, help="rows that the query runs on")
    command.add_argument(
        "--answers", type=int, default=0, help="also ask the model, and show so many rows"
    )
    command.add_argument("--master", default="local[*]", help="of Spark, or sc://host")
    command.add_argument("--model", help="Hugging Face id or local path")
    command.add_argument(
        "--conf", action="append", default=[], metavar="KEY=VALUE", help="a property of Spark"
    )


def run(given: argparse.Namespace) -> int:
    """Print the preview; return the exit status.

    Raises:
        ValueError: `--table` or `--conf` is not of its form.
    """
    config = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
    config |= dict(_pair("--conf", text) for text in given.conf)
    tables = [_pair("--table", text) for text in given.table]
    spark = session(given.master, app_name="sparkllm preview", model=given.model, config=config)
    try:
        for name, path in tables:
            kind = Path(path).suffix.lstrip(".") or "parquet"
            options = _CSV if kind == "csv" else {}
            spark.read.format(kind).options(**options).load(path).createOrReplaceTempView(name)
        print(preview(spark.sql(given.sql), given.prompts, given.rows, given.answers))
    finally:
        spark.stop()
    return 0


def _pair(option: str, text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found or not name or not value:
        raise ValueError(f"{option} {text}: a name, = and a value are wanted")
    return name, value
