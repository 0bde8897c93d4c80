"""`sparkllm tasks`: which tasks there are."""

import argparse

from rich.console import Console
from rich.table import Table

from sparkllm.tasks import tasks
from sparkllm.tasks.registration import tasks_at


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    command.add_argument("--path", help="also those in this folder (spark.sparkllm.tasks.path)")


def run(given: argparse.Namespace) -> int:
    """Print a table of the tasks; return the exit status.

    Raises:
        CallError: a file in the folder holds no task.
    """
    table = Table("task", "version", "answer", "options", "from", box=None)
    of_users = tasks_at(given.path) if given.path else ()
    for origin, listed in (("sparkllm", tasks()), (given.path, of_users)):
        for task in listed:
            table.add_row(task.name, task.version, task.answer, ", ".join(task.options), origin)
    Console(width=120, soft_wrap=True).print(table)
    return 0
