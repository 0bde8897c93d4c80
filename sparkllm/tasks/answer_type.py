"""The SQL type of a call's answers: a grammar for the engine, and a column made of the texts."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import types as spark

from sparkllm.tasks.call_error import CallError
from sparkllm.tasks.json_types import json_type, parse_json
from sparkllm.tasks.scalar_types import ScalarType, scalar_type

_SHOWN = 100


@dataclass(frozen=True, slots=True)
class AnswerType:
    """A type that answers can have.

    Attributes:
        name: the type as SQL writes it.
        arrow: the Arrow type of the column; that of a VARIANT is its JSON text.
    """

    name: str
    arrow: pa.DataType
    _parameters: Mapping[str, Any]
    _read: Callable[[str], Any]

    @classmethod
    def from_json(cls, spark_type_json: str, time_zone: str = "UTC") -> "AnswerType":
        """Return the answer type for what Spark's `DataType.json()` writes.

        Args:
            spark_type_json: such as `"integer"` with its quotes.
            time_zone: of timestamps whose text names none; the session's.

        Raises:
            CallError: answers can't have this type.
        """
        data_type = _spark_type(spark_type_json)
        name = data_type.simpleString()
        scalar = scalar_type(data_type, time_zone)
        if scalar is not None:
            return cls(name, scalar.arrow, _scalar_parameters(scalar), scalar.read)
        if isinstance(data_type, spark.VariantType):
            return cls(name, pa.utf8(), {"json_schema": "{}"}, _variant)
        nested = json_type(data_type, time_zone, "")
        schema = json.dumps(nested.schema, ensure_ascii=False)
        return cls(
            name, nested.arrow, {"json_schema": schema}, lambda text: nested.read(parse_json(text))
        )

    def parameters(self) -> dict[str, Any]:
        """Return the sampling parameters that make the engine give answers of this type."""
        return dict(self._parameters)

    def column(self, texts: list[str | None]) -> tuple[pa.Array, dict[int, str]]:
        """Return the values of answers, and what is wrong with those that have none.

        Args:
            texts: answers; None stays NULL.

        Returns:
            An array of `arrow` with NULL for each bad answer, and a message by its position.
        """
        values: list[Any] = []
        errors: dict[int, str] = {}
        for position, text in enumerate(texts):
            value = None
            if text is not None:
                try:
                    value = self._read(text)
                except (ValueError, OverflowError, RecursionError) as error:
                    errors[position] = self._message(text, error)
            values.append(value)
        return pa.array(values, self.arrow), errors

    def _message(self, text: str, error: Exception) -> str:
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        return f"the answer {shown!r} is not of type {self.name}: {error}"


def _spark_type(spark_type_json: str) -> spark.DataType:
    try:
        body = json.loads(spark_type_json)
        field = {"name": "answer", "type": body, "nullable": True, "metadata": {}}
        return spark.StructType.fromJson({"type": "struct", "fields": [field]})[0].dataType
    except (ValueError, KeyError, TypeError, PySparkException) as error:
        raise CallError(f"{spark_type_json} is no type of Spark: {error}") from error


def _scalar_parameters(scalar: ScalarType) -> dict[str, Any]:
    if scalar.choices:
        return {"choices": scalar.choices}
    return {"regex": scalar.regex} if scalar.regex else {}


def _variant(text: str) -> str:
    parse_json(text)
    return text
