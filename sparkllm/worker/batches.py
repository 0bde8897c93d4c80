"""What Spark hands to an iterator UDF, as Arrow: Arrow arrays as they are, pandas converted.

Spark 4.1 and later give Arrow arrays; Spark 4.0 gives pandas, a struct column as a DataFrame.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pandas as pd
import pyarrow as pa

Arguments = tuple[pa.Array, ...]


def answer_batches(
    batches: Iterable[Any], answer: Callable[[Iterator[Arguments]], Iterator[pa.Array]]
) -> Iterator[Any]:
    """Yield what `answer` yields for the argument columns of `batches`, in the kind they came."""
    from_pandas: list[bool] = []

    def arguments() -> Iterator[Arguments]:
        for batch in batches:
            columns = batch if isinstance(batch, tuple) else (batch,)
            from_pandas[:] = [not isinstance(columns[0], pa.Array)]
            yield tuple(_arrow(column) for column in columns)

    for answers in answer(arguments()):
        yield _pandas(answers) if from_pandas[0] else answers


def _pandas(answers: pa.Array) -> Any:
    if not pa.types.is_struct(answers.type):
        return answers.to_pandas()
    columns = zip(answers.type, answers.flatten(), strict=True)
    return pd.DataFrame({field.name: column.to_pandas() for field, column in columns})


def _arrow(column: Any) -> pa.Array:
    if isinstance(column, pa.Array):
        return column
    if isinstance(column, pd.DataFrame):
        fields = [_field(column.iloc[:, position]) for position in range(column.shape[1])]
        return pa.StructArray.from_arrays(fields, [str(name) for name in column.columns])
    if any(isinstance(value, dict) for value in column):
        return _map(column)
    return pa.Array.from_pandas(column)


def _field(column: "pd.Series[Any]") -> pa.Array:
    """Convert a field of a struct. Its structs and its maps both come as dictionaries."""
    keys = {tuple(value) for value in column if isinstance(value, dict)}
    return _map(column) if len(keys) > 1 else pa.Array.from_pandas(column)


def _map(column: "pd.Series[Any]") -> pa.Array:
    offsets: list[int | None] = []
    keys: list[Any] = []
    values: list[Any] = []
    for entries in column:
        offsets.append(len(keys) if isinstance(entries, dict) else None)
        if isinstance(entries, dict):
            keys += entries.keys()
            values += entries.values()
    return pa.MapArray.from_arrays(
        pa.array([*offsets, len(keys)], pa.int32()), pa.array(keys), pa.array(values)
    )
