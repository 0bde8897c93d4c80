"""Results on their way to one client: collected as they finish, taken all at once."""

import threading
from dataclasses import asdict, dataclass, field
from enum import IntEnum

import numpy as np
import pyarrow as pa

from sparkllm_engine.request import Result
from sparkllm_engine.server.protocol import RESULT_SCHEMA


class Origin(IntEnum):
    """Where a row's result comes from."""

    CALL = 0  # the model was called for it
    SHARED = 1  # the model or the store was asked for an equal row
    STORE = 2


@dataclass(slots=True)
class Parcel:
    """Results in columns: the client's id of a row, its result, and where that comes from."""

    ids: list[int] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)

    def add(self, row: int, result: Result, origin: Origin) -> None:
        """Append one row."""
        self.ids.append(row)
        self.results.append(result)
        self.origins.append(origin)

    def extend(self, other: "Parcel") -> None:
        """Append another parcel's rows."""
        self.ids += other.ids
        self.results += other.results
        self.origins += other.origins

    def to_batch(self, probabilities: bool = False) -> pa.RecordBatch:
        """Return the rows as a batch of `RESULT_SCHEMA`.

        Shared rows have no tokens, those of the store the tokens of the call that is saved.

        Args:
            probabilities: whether those of the choices go along.
        """
        results = self.results
        origins = np.array(self.origins, dtype=np.int8)
        spent = origins != Origin.SHARED
        columns = [
            self.ids,
            [result.text for result in results],
            [result.finish_reason for result in results],
            [result.error_code for result in results],
            [result.error_message for result in results],
            np.array([result.prompt_tokens for result in results], dtype=np.int32) * spent,
            np.array([result.cached_tokens for result in results], dtype=np.int32) * spent,
            np.array([result.output_tokens for result in results], dtype=np.int32) * spent,
            [result.most_tokens for result in results],
            origins != Origin.CALL,
            origins == Origin.STORE,
            [(result.probabilities if probabilities else ()) or None for result in results],
            [_logprobs(result) for result in results],
            [_embedding(result) for result in results],
        ]
        arrays = [
            pa.array(column, kind)
            for column, kind in zip(columns, RESULT_SCHEMA.types, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=RESULT_SCHEMA)


def _logprobs(result: Result) -> list[dict[str, object]] | None:
    return [asdict(token) for token in result.logprobs] or None


def _embedding(result: Result) -> "np.ndarray[tuple[int], np.dtype[np.float32]] | None":
    return None if result.embedding is None else np.frombuffer(result.embedding, np.float32)


class Outbox:
    """The results that wait for one client. Any thread may call it."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting = Parcel()
        self._expected = 0
        self._complete = False
        self._closed = False

    def expect(self, rows: int) -> None:
        """Say that so many more rows were asked for."""
        with self._changed:
            self._expected += rows

    def put(self, parcel: Parcel) -> None:
        """Add results."""
        with self._changed:
            self._waiting.extend(parcel)
            self._changed.notify()

    def finish(self) -> None:
        """Say that no more rows will be asked for."""
        with self._changed:
            self._complete = True
            self._changed.notify()

    def close(self) -> None:
        """Say that nobody takes anything any more."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def take(self, timeout: float) -> Parcel | None:
        """Return all results that wait; after `timeout` seconds without any, an empty parcel.

        None means that everything that was asked for has been taken, or that the box is closed.
        """
        with self._changed:
            if not self._waiting.ids and not self._is_done():
                self._changed.wait(timeout)
            if self._closed or (not self._waiting.ids and self._is_done()):
                return None
            parcel, self._waiting = self._waiting, Parcel()
            self._expected -= len(parcel.ids)
            return parcel

    def _is_done(self) -> bool:
        return self._closed or (self._complete and self._expected == 0)
