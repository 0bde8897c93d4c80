"""`sparkllm jar` and `sparkllm conf`: what other ways into Spark need, on standard output."""

import argparse
import sys

from sparkllm import catalyst
from sparkllm.catalyst import CatalystError


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
    given = parser.parse_args(arguments)
    try:
        if given.command == "jar":
            print(catalyst.jar())
        else:
            properties = {**catalyst.properties(), "spark.pyspark.python": given.python}
            print("\n".join(f"{key} {value}" for key, value in properties.items()))
    except CatalystError as error:
        print(f"sparkllm: {error}", file=sys.stderr)
        return 1
    return 0
