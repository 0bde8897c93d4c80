"""Spark's nested types as answers in JSON: a schema for the model, and reading the values back."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import pyarrow as pa
from pyspark.sql import types as spark

from sparkllm.tasks.call_error import CallError
from sparkllm.tasks.scalar_types import ScalarType, scalar_type


class _Number(str):
    """A number as it is written, so that none of its digits is lost."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class JsonType:
    """A type whose values are written in JSON.

    Attributes:
        schema: JSON schema of its values.
        arrow: the Arrow type of its values.
        read: makes a value of what `parse_json` returned, or raises a ValueError that says what
            is wrong with it.
    """

    schema: Mapping[str, Any]
    arrow: pa.DataType
    read: Callable[[Any], Any]


def parse_json(text: str) -> Any:
    """Return the JSON value of a text; its numbers stay as they are written.

    Raises:
        ValueError: it is no JSON, or not one that Spark reads, such as an object with a key twice.
    """
    text.encode()
    return json.loads(
        text,
        parse_int=_Number,
        parse_float=_Number,
        parse_constant=_no_constant,
        object_pairs_hook=_distinct,
    )


def json_type(data_type: spark.DataType, time_zone: str, path: str) -> JsonType:
    """Return the JSON type for a type of Spark.

    Args:
        data_type: of Spark.
        time_zone: of timestamps that name none.
        path: where the type stands in the answer's type, for error messages.

    Raises:
        CallError: the type is not supported.
    """
    scalar = scalar_type(data_type, time_zone)
    if scalar is not None:
        return _of_scalar(scalar)
    match data_type:
        case spark.StructType():
            return _struct(data_type, time_zone, path)
        case spark.ArrayType():
            return _array(data_type, time_zone, path)
        case spark.MapType():
            return _map(data_type, time_zone, path)
        case _:
            raise unsupported(data_type, path)


def unsupported(data_type: spark.DataType, path: str) -> CallError:
    """Return the error for a type that answers can't have."""
    place = f" (in {path})" if path else ""
    return CallError(
        f"answers of type {data_type.simpleString()}{place} are not supported: the types are"
        " BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL, STRING, DATE, TIMESTAMP,"
        " TIMESTAMP_NTZ, STRUCT, ARRAY and MAP of these, and VARIANT"
    )


def _of_scalar(scalar: ScalarType) -> JsonType:
    def read(value: Any) -> Any:
        if scalar.json == "boolean":
            good = isinstance(value, bool)
            value = str(value)
        else:
            good = type(value) is (str if scalar.json == "string" else _Number)
        if not good:
            raise ValueError(f"{value!r} is no {scalar.json}")
        try:
            return scalar.read(value)
        except ValueError as error:
            raise ValueError(f"{value!r}: {error}") from None

    return JsonType(scalar.schema, scalar.arrow, read)


def _struct(data_type: spark.StructType, time_zone: str, path: str) -> JsonType:
    names = data_type.names
    if not names or len(set(names)) < len(names):
        raise CallError(
            f"answers of type {data_type.simpleString()} are not supported: a struct needs fields,"
            " each with a name of its own"
        )
    parts = {
        field.name: _element(field.dataType, field.nullable, time_zone, _below(path, field.name))
        for field in data_type.fields
    }

    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValueError(f"{value!r} is no object")
        if value.keys() != parts.keys():
            raise ValueError(f"it has the fields {', '.join(value)} instead of {', '.join(parts)}")
        return {name: _read(part, value[name], name) for name, part in parts.items()}

    schema = {
        "type": "object",
        "properties": {name: part.schema for name, part in parts.items()},
        "required": names,
        "additionalProperties": False,
    }
    return JsonType(schema, pa.struct([(n, part.arrow) for n, part in parts.items()]), read)


def _array(data_type: spark.ArrayType, time_zone: str, path: str) -> JsonType:
    part = _element(data_type.elementType, data_type.containsNull, time_zone, _below(path, "[]"))

    def read(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise ValueError(f"{value!r} is no array")
        return [_read(part, element, f"[{index}]") for index, element in enumerate(value)]

    arrow = pa.list_(pa.field("element", part.arrow))
    return JsonType({"type": "array", "items": part.schema}, arrow, read)


def _map(data_type: spark.MapType, time_zone: str, path: str) -> JsonType:
    if type(data_type.keyType) is not spark.StringType:
        raise CallError(
            f"answers of type {data_type.simpleString()} are not supported: keys must be STRING"
        )
    part = _element(data_type.valueType, data_type.valueContainsNull, time_zone, _below(path, "{}"))

    def read(value: Any) -> list[tuple[str, Any]]:
        if not isinstance(value, dict):
            raise ValueError(f"{value!r} is no object")
        return [(key, _read(part, element, key)) for key, element in value.items()]

    schema = {"type": "object", "additionalProperties": part.schema}
    return JsonType(schema, pa.map_(pa.utf8(), part.arrow), read)


def _element(data_type: spark.DataType, nullable: bool, time_zone: str, path: str) -> JsonType:
    part = json_type(data_type, time_zone, path)
    if not nullable:
        return part
    return JsonType(
        {"anyOf": [part.schema, {"type": "null"}]},
        part.arrow,
        lambda value: None if value is None else part.read(value),
    )


def _read(part: JsonType, value: Any, name: str) -> Any:
    try:
        return part.read(value)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(f"an object has a key twice among {', '.join(key for key, _ in pairs)}")
    return found
