"""What became of the inputs of a window: a value, or an error with its code."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sparkllm.worker.detail import COUNTS, CUT, ERROR, USAGE, Cut, detail_type
from sparkllm.worker.question import Question
from sparkllm_engine.errors import RowErrorCode
from sparkllm_engine.server.protocol import RESULT_SCHEMA

_Positions = np.ndarray[tuple[int], np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class Outcomes:
    """One entry of each for every input of a window.

    Attributes:
        values: NULL where there is an error.
        results: as the engine's (`RESULT_SCHEMA`), with the errors that were found later.
        cut: what was left out of the columns of an input so that it fits, by its position.
    """

    values: pa.Array
    results: pa.Table
    cut: Mapping[int, Cut]

    @classmethod
    def of(
        cls,
        results: pa.Table,
        question: Question,
        cut: Mapping[int, Cut],
    ) -> "Outcomes":
        """Return what the engine's results mean: answers not finished or not typed are errors."""
        results = without_truncated(results, question.max_tokens)
        texts = results.column("text").combine_chunks()
        if question.answer_type is None:
            return cls(texts, results, cut)
        if question.prompt.answer == "probability":  # of the first choice, which is yes
            chances = pc.list_element(results.column("probabilities"), 0)
            return cls(_one(chances), results, cut)
        if question.prompt.answer == "embedding":
            embeddings = _one(results.column("embedding")).cast(question.value_type)
            return cls(embeddings, results, cut)
        values, wrong = question.answer_type.column(texts.to_pylist())
        return cls(values, _with_errors(results, RowErrorCode.INVALID_ANSWER, wrong), cut)

    def and_invalid(self, messages: Sequence[str]) -> "Outcomes":
        """Return these outcomes, and behind them one for each input that could not be sent."""
        if not messages:
            return self
        count = len(messages)
        known = {
            "id": pa.array(np.arange(count)),
            "finish_reason": pa.array(["error"] * count),
            "error_code": pa.array([str(RowErrorCode.INVALID_INPUT)] * count),
            "error_message": pa.array(messages, pa.utf8()),
            "reused": pa.array(np.ones(count, bool)),
        }
        columns = [known.get(field.name, pa.nulls(count, field.type)) for field in RESULT_SCHEMA]
        invalid = pa.Table.from_arrays(columns, schema=RESULT_SCHEMA)
        return replace(
            self,
            values=pa.concat_arrays([self.values, pa.nulls(count, self.values.type)]),
            results=pa.concat_tables([self.results, invalid]).combine_chunks(),
        )

    def answers(self, positions: _Positions) -> pa.Array:
        """Return the value of each row, NULL where its position is negative."""
        return self.values.take(_indices(positions))

    def details(self, positions: _Positions) -> pa.Array:
        """Return the detail of each row, NULL where its position is negative.

        Tokens stand at the first of the rows that share an outcome, so that their sum is true.
        """
        indices = _indices(positions)
        results = self.results.take(indices)
        later = np.ones(len(positions), bool)
        later[np.unique(positions, return_index=True)[1]] = False
        free = pc.or_(pa.array(later), pc.fill_null(results.column("reused"), True))
        counts = [
            pc.if_else(free, pa.scalar(0, pa.int32()), pc.fill_null(results.column(name), 0))
            for name in COUNTS
        ]
        parts = [
            self.values.take(indices),
            _struct(ERROR, [results.column("error_code"), results.column("error_message")]),
            results.column("finish_reason"),
            _struct(USAGE, counts),
            pa.array([self.cut.get(position) for position in positions.tolist()], CUT),
        ]
        return pa.StructArray.from_arrays(
            [_one(part) for part in parts],
            fields=list(detail_type(self.values.type)),
            mask=pa.array(positions < 0),
        )


def without_truncated(results: pa.Table, max_tokens: int) -> pa.Table:
    """Return the engine's results, those that were cut at `max_tokens` as errors."""
    truncated = pc.and_(
        pc.equal(results.column("finish_reason"), "length"),
        pc.is_null(results.column("error_code")),
    )
    positions = np.flatnonzero(pc.fill_null(truncated, False).to_numpy())
    if not len(positions):
        return results
    message = (
        f"the answer was not finished within max_tokens = {max_tokens} or where the model's context"
        " ends: raise max_tokens, or ask for a shorter answer"
    )
    texts = pc.if_else(truncated, pa.scalar(None, pa.utf8()), results.column("text"))
    results = _with_column(results, "text", texts)
    return _with_errors(results, RowErrorCode.TRUNCATED, dict.fromkeys(positions.tolist(), message))


def _with_errors(results: pa.Table, code: RowErrorCode, messages: Mapping[int, str]) -> pa.Table:
    if not messages:
        return results
    for name, entries in (
        ("error_code", dict.fromkeys(messages, str(code))),
        ("error_message", messages),
    ):
        column = results.column(name).to_pylist()
        for position, entry in entries.items():
            column[position] = entry
        results = _with_column(results, name, pa.array(column, pa.utf8()))
    return results


def _with_column(results: pa.Table, name: str, column: pa.Array) -> pa.Table:
    return results.set_column(results.schema.get_field_index(name), name, column)


def _indices(positions: _Positions) -> pa.Array:
    return pa.array(positions, mask=positions < 0)


def _struct(kind: pa.DataType, columns: Sequence[pa.ChunkedArray]) -> pa.Array:
    """A struct that is NULL where its first part is."""
    parts = [_one(column) for column in columns]
    return pa.StructArray.from_arrays(parts, fields=list(kind), mask=parts[0].is_null())


def _one(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
