"""One application with real workers and an engine that writes down what it is asked."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.catalyst.application import Application, application

_ROOT = Path(__file__).parents[2]
_TABLES = {
    "t": (8, ("concat('review ', id) AS review", "concat('product ', id % 4) AS product")),
    "u": (4, ("concat('name ', id) AS name",)),
}


class RecordedApplication:
    """An application whose engine remembers no answer, so that every evaluation is a call."""

    def __init__(self, app: Application, record: Path, folder: Path) -> None:
        self.app = app
        self.folder = folder
        self._record = record

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """Return the rows of a SQL query."""
        return self.app.table(f"spark.sql({query!r})")[1]

    def value(self, expression: str) -> Any:
        """Return the value of a Python expression over `spark` and `F`."""
        return self.app.value(expression)

    def asked(self, query: str) -> list[str]:
        """Return the prompts that a SQL query sends to the engine, sorted."""
        return self.asked_by(f"spark.sql({query!r}).collect() and None")

    def answered(self, query: str) -> tuple[list[tuple[Any, ...]], list[str]]:
        """Return the rows of a SQL query, and the prompts that it sent to the engine, sorted."""
        before = len(self._prompts())
        return self.rows(query), sorted(self._prompts()[before:])

    def failed(self, query: str) -> tuple[list[str], str]:
        """Return the prompts that a SQL query sent to the engine, and the error it ended in."""
        before = len(self._prompts())
        kind, *raised = self.app.answer(f"spark.sql({query!r})")
        assert kind == "raised", raised
        return sorted(self._prompts()[before:]), str(raised[1])

    def asked_by(self, expression: str) -> list[str]:
        """Return the prompts that a Python expression sends to the engine, sorted."""
        before = len(self._prompts())
        self.app.value(expression)
        return sorted(self._prompts()[before:])

    def _prompts(self) -> list[str]:
        if not self._record.exists():
            return []
        return [json.loads(line) for line in self._record.read_text().splitlines()]


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecordedApplication]:
    """Tables `t` (id, review, product; 8 rows in 2 files) and `u` (id, name; 4 rows)."""
    folder = tmp_path_factory.mktemp("recorded")
    with tempfile.TemporaryDirectory(prefix="slm") as directory:  # short, for the sockets in it
        record = Path(directory, "record")
        properties = {
            "spark.master": "local[2]",
            "spark.sql.shuffle.partitions": "2",
            "spark.sql.session.timeZone": "UTC",
            "spark.executorEnv.PYTHONPATH": str(_ROOT),
            "spark.sparkllm.model": str(record),
            "spark.sparkllm.engine.implementation": "tests.engines:RecordingEngine",
            "spark.sparkllm.engine.directory": directory,
            "spark.sparkllm.store.memoryBytes": "0",
        }
        with application(folder, properties, environment={"PYTHONPATH": str(_ROOT)}) as app:
            for name, (rows, columns) in _TABLES.items():
                selected = ", ".join(map(repr, ("id", *columns)))
                source = f"spark.range(0, {rows}, 1, 2).selectExpr({selected})"
                app.value(f"{source}.write.saveAsTable({name!r})")
            yield RecordedApplication(app, record, folder)
