"""Answers that need no engine, in the form of those that do."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa

from sparkllm_engine.server.protocol import RESULT_SCHEMA


class ReadyExchange:
    """Stands in for `client.Exchange` where no engine is asked; there is nothing to close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return


class ReadyAnswers:
    """Stands in for `client.Pending`: the answers are there at once, and no call was made.

    Args:
        rows: prompts.
        columns: those of `RESULT_SCHEMA` that say something, by name; the others are NULL.
    """

    finished = 0.0

    def __init__(self, rows: int, columns: Mapping[str, pa.Array]) -> None:
        self.rows = self.answered = rows
        self._columns = {
            "id": pa.array(np.arange(rows)),
            "reused": pa.array(np.ones(rows, bool)),
            **columns,
        }

    def wait(self, seconds: float) -> bool:
        """Return that everything is answered."""
        return True

    def result(self) -> pa.Table:
        """Return one row for each prompt, as `Pending.result`."""
        columns = [
            self._columns.get(field.name, pa.nulls(self.rows, field.type))
            for field in RESULT_SCHEMA
        ]
        return pa.Table.from_arrays(columns, schema=RESULT_SCHEMA)
