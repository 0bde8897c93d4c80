"""Tasks of users: registered in a session, or read from YAML files."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparkllm.tasks.call_error import CallError
from sparkllm.tasks.options import OPTIONS, common_options
from sparkllm.tasks.registry import task_named
from sparkllm.tasks.task import ANSWERS, Task
from sparkllm.tasks.template import checked

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

REGISTERED = "spark.sparkllm.tasks.registered."


def register(spark: "SparkSession", task: Task | Mapping[str, Any]) -> Task:
    """Make a task known to a session, classic or Connect: `llm('name', …)` then calls it.

    The session keeps it as a property, so it ends with the session. Registering a name again
    replaces the task.

    Args:
        spark: the session; it needs sparkllm's Catalyst extension.
        task: the task, or a mapping with its entries.

    Returns:
        The task as it was understood.

    Raises:
        CallError: the task can't be called this way; the message says why.
    """
    import json

    known = valid(task)
    spark.conf.set(REGISTERED + known.name, json.dumps(known.to_dict(), ensure_ascii=False))
    return known


def valid(task: Task | Mapping[str, Any]) -> Task:
    """Return the task if calls of it can mean something.

    Raises:
        CallError: its name is taken, its template is no Jinja, it has a default for no option.
    """
    known = task if isinstance(task, Task) else Task.from_dict(task)
    if task_named(known.name) is not None:
        raise CallError(f"task {known.name} ships with sparkllm: choose another name")
    if known.reduces and known.answer in ANSWERS and known.answer != "text":
        raise CallError(
            f"task {known.name} reduces groups, so its answer is text or a SQL type, not"
            f" {known.answer}"
        )
    options = (*known.options, *common_options())
    for name in known.defaults:
        if name not in options:
            raise CallError(
                f"task {known.name} has a default for {name}, which is none of its options:"
                f" {', '.join(options)}"
            )
    taken = {option.name for option in OPTIONS if not option.of_task} & set(known.options)
    if taken:
        raise CallError(f"option {min(taken)} is one of every call: leave it out of {known.name}")
    checked(known)
    return known


def tasks_at(path: str | Path) -> tuple[Task, ...]:
    """Return the tasks in the YAML files (`.yaml`, `.yml`) of a folder, in order of their files.

    Raises:
        CallError: a file can't be read, or holds no task; names the file.
    """
    import yaml

    folder = Path(path)
    if not folder.is_dir():
        raise CallError(f"there is no folder of tasks at {folder}")
    found = []
    for file in sorted(folder.iterdir()):
        if file.suffix in (".yaml", ".yml"):
            try:
                found.append(valid(yaml.safe_load(file.read_text())))
            except (OSError, ValueError, yaml.YAMLError) as error:
                raise CallError(f"{file}: {error}") from None
    return tuple(found)
