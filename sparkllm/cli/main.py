"""The commands `jar`, `conf`, `preview`, `store` and `tasks`; `sparkllm --help` explains them."""

import argparse
import sys

from pyspark.errors import PySparkException

from sparkllm import catalyst
from sparkllm.catalyst import CatalystError
from sparkllm.cli import preview, store, tasks
from sparkllm.configuration_values import ConfigurationError
from sparkllm.tasks import CallError


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(prog="sparkllm", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("jar", help="print the path of the extension's jar, for --jars")
    conf = commands.add_parser(
        "conf", help="print the properties that load it, for --properties-file"
    )
    conf.add_argument(
        "--python",
        default=sys.executable,
        help="the Python that has sparkllm on the machines of the executors (default: this one)",
    )
    store.add_commands(commands.add_parser("store", help="look after a store of answers"))
    preview.add_arguments(
        commands.add_parser("preview", help="print the prompts of a query, or its first answers")
    )
    tasks.add_arguments(commands.add_parser("tasks", help="list the tasks that llm knows"))
    given = parser.parse_args(arguments)
    if given.command == "store":
        return store.run(given)
    try:
        if given.command == "tasks":
            return tasks.run(given)
        if given.command == "preview":
            return preview.run(given)
        if given.command == "jar":
            print(catalyst.jar())
        else:
            properties = {**catalyst.properties(), "spark.pyspark.python": given.python}
            print("\n".join(f"{key} {value}" for key, value in properties.items()))
    except (CatalystError, CallError, ConfigurationError, PySparkException, ValueError) as error:
        print(f"sparkllm: {error}", file=sys.stderr)
        return 1
    return 0
