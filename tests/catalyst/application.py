"""Starting `session_process.py` in a process of its own, and asking it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_START_TIMEOUT = 120
_PROPERTIES = {
    "spark.ui.enabled": "false",
    "spark.executorEnv.PYTHONPATH": str(_HERE / "stand_in"),
}


class Application:
    """A running Spark application, whose `llm` answers with what its workers were given."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def answer(self, expression: str) -> tuple[Any, ...]:
        """Return the answer to a Python expression over `spark`, `F` and `catalyst`."""
        self._connection.send(expression)
        return tuple(self._connection.recv())

    def value(self, expression: str) -> Any:
        """Return the value of an expression."""
        kind, *value = self.answer(expression)
        assert kind == "value", value
        return value[0]

    def table(self, expression: str) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Return the columns and the rows of an expression that is a DataFrame."""
        kind, *table = self.answer(expression)
        assert kind == "table", table
        return table[0], table[1]

    def calls(self, query: str) -> list[tuple[str, dict[str, Any]]]:
        """Return (call as JSON, row) for each answer in the first column of a SQL query."""
        _, rows = self.table(f"spark.sql({query!r})")
        return [answered(row[0]) for row in rows]

    def error(self, query: str) -> str:
        """Return the message of the AnalysisException that a SQL query raises."""
        kind, *raised = self.answer(f"spark.sql({query!r})")
        assert (kind, raised[0]) == ("raised", "AnalysisException"), raised
        return str(raised[1])


def answered(answer: str) -> tuple[str, dict[str, Any]]:
    """Return the call as JSON and the row that an answer of the stand-in says it was given."""
    call, row = json.loads(answer)
    return call, row


def _socket(listener: Any) -> Any:
    return listener._listener._socket


@contextmanager
def application(
    folder: Path,
    properties: Mapping[str, Any],
    command: Sequence[str] = (sys.executable,),
    environment: Mapping[str, str] | None = None,
) -> Iterator[Application]:
    """Run an application with `folder` as its working directory and its log in `folder`/log."""
    texts = json.dumps({**_PROPERTIES, **properties})
    variables = {**os.environ, "PYSPARK_PYTHON": sys.executable, **(environment or {})}
    with Listener(family="AF_UNIX") as listener, (folder / "log").open("w") as log:
        _socket(listener).settimeout(_START_TIMEOUT)
        process = subprocess.Popen(
            [*command, str(_HERE / "session_process.py"), str(listener.address), texts],
            cwd=folder,
            env=variables,
            stdout=log,
            stderr=log,
        )
        try:
            with listener.accept() as connection:
                yield Application(connection)
                connection.send("")
            process.wait(timeout=60)
        finally:
            process.kill()
