"""The rows of the view `sparkllm_usage`, asked of the driver by a task."""

import json
import socket
from collections.abc import Iterator
from typing import Any

from pyspark import TaskContext

from sparkllm import configuration
from sparkllm.worker.settings import Properties

_COUNTS = (
    "rows",
    "calls",
    "nulls",
    "skipped",
    "reused",
    "stored",
    "refused",
    "prompt_tokens",
    "cached_tokens",
    "output_tokens",
    "saved_prompt_tokens",
    "saved_cached_tokens",
    "saved_output_tokens",
)
_AMOUNTS = ("money", "saved_money", "seconds")

COLUMNS = ", ".join(
    [
        "query STRING",
        "pass STRING",
        *(f"{name} BIGINT" for name in _COUNTS),
        *(f"{name} DOUBLE" for name in _AMOUNTS),
        "errors MAP<STRING, BIGINT>",
    ]
)

_PATIENCE = 10.0  # seconds


class UsageRows:
    """A table function without arguments: one row for each pass of each query of the session."""

    def eval(self) -> Iterator[tuple[Any, ...]]:
        """Yield the rows; none where no Python driver counts usage."""
        context = TaskContext.get()
        if context is None:
            return
        for query, calls, usage in ask_driver(context.getLocalProperty, {"passes": True}) or ():
            yield (query, calls, *(usage[name] for name in (*_COUNTS, *_AMOUNTS, "errors")))


def ask_driver(properties: Properties, question: dict[str, Any]) -> Any:
    """Return the driver's answer to a question, None where no Python driver counts usage."""
    host, _, port = configuration.USAGE_ADDRESS.value(properties).rpartition(":")
    if not host:
        return None
    token = configuration.USAGE_TOKEN.value(properties)
    application = properties("spark.app.id") or ""
    with socket.create_connection((host, int(port)), _PATIENCE) as driver:
        driver.sendall(f"{token}\n{application}\n{json.dumps(question)}\n".encode())
        with driver.makefile("rb") as answer:
            return json.loads(answer.readline())
