"""Spark's scalar types as answers: the text that a value may have, and reading it back."""

import datetime
import decimal
import math
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

import pyarrow as pa
from pyspark.sql import types as spark

# More digits than a value in range has: one out of range shows instead of being cut to a wrong one.
_INTEGER = "-?(0|[1-9][0-9]{0,19})"
_FRACTION = rf"{_INTEGER}(\.[0-9]{{1,17}})?([eE][+-]?[0-9]{{1,3}})?"
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_DATE = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
_TIME = r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?"
_ZONE = "(Z|[+-](0[0-9]|1[0-8]):[0-5][0-9])?"
_EXACT = decimal.Context(prec=100)


@dataclass(frozen=True, slots=True)
class ScalarType:
    """A scalar type.

    Attributes:
        arrow: the Arrow type of its values.
        json: the JSON type of its values: `string`, `number` or `boolean`.
        schema: JSON schema of its values.
        regex: what an answer with a value matches, empty for any text.
        choices: all texts there are, if they are few.
    """

    arrow: pa.DataType
    json: str
    schema: Mapping[str, Any]
    _parse: Callable[[str], Any]
    regex: str = ""
    choices: tuple[str, ...] = ()

    def read(self, text: str) -> Any:
        """Return the value of a text.

        Raises:
            ValueError: it is none of this type; says why.
        """
        if self.json == "number" and not _NUMBER.fullmatch(text):
            raise ValueError("it is no number")
        if self.json == "string" and self.regex and not re.fullmatch(self.regex, text):
            raise ValueError("it is not written like one")
        return self._parse(text)


def scalar_type(data_type: spark.DataType, time_zone: str) -> ScalarType | None:
    """Return the scalar type for a type of Spark, None for any other type.

    Args:
        data_type: of Spark.
        time_zone: of timestamps that name none.
    """
    if isinstance(data_type, spark.DecimalType):
        return _decimal(data_type.precision, data_type.scale)
    if isinstance(data_type, spark.TimestampType):
        zone = ZoneInfo(time_zone)
        regex = f"{_DATE}[ T]{_TIME}{_ZONE}"
        return _moment(pa.timestamp("us", tz="UTC"), lambda text: _instant(text, zone), regex)
    return _SCALARS.get(type(data_type))


def _integer(arrow: pa.DataType) -> ScalarType:
    bound = 2 ** (arrow.bit_width - 1)

    def parse(text: str) -> int:
        if not text.lstrip("-").isdecimal():
            raise ValueError("it is no whole number")
        number = int(text)
        if not -bound <= number < bound:
            raise ValueError(f"it is not from {-bound} to {bound - 1}")
        return number

    return ScalarType(arrow, "number", {"type": "integer"}, parse, _INTEGER)


def _number(arrow: pa.DataType, parse: Callable[[str], Any], regex: str) -> ScalarType:
    return ScalarType(arrow, "number", {"type": "number"}, parse, regex)


def _decimal(precision: int, scale: int) -> ScalarType:
    unit = decimal.Decimal(1).scaleb(-scale)
    limit = decimal.Decimal(1).scaleb(precision - scale)

    def parse(text: str) -> decimal.Decimal:
        try:
            rounded = decimal.Decimal(text).quantize(unit, decimal.ROUND_HALF_UP, _EXACT)
        except decimal.InvalidOperation:
            raise ValueError("it is no number of this size") from None
        if rounded.copy_abs() >= limit:
            raise ValueError(f"it has more than {precision - scale} digits before the point")
        return rounded

    fraction = rf"(\.[0-9]{{1,{scale}}})?" if scale else ""
    regex = f"-?(0|[1-9][0-9]{{0,39}}){fraction}"
    return _number(pa.decimal128(precision, scale), parse, regex)


def _moment(arrow: pa.DataType, parse: Callable[[str], Any], regex: str) -> ScalarType:
    schema = {"type": "string", "pattern": f"^({regex})$"}
    return ScalarType(arrow, "string", schema, parse, regex)


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("it is neither true nor false")
    return text.lower() == "true"


def _text(text: str) -> str:
    text.encode()
    return text


def _double(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("it is no finite number of this size")
    return number


def _single(text: str) -> float:
    try:
        number: float = struct.unpack("<f", struct.pack("<f", _double(text)))[0]
    except OverflowError:
        raise ValueError("it is no finite number of this size") from None
    return number


def _instant(text: str, zone: ZoneInfo) -> datetime.datetime:
    moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    return moment.astimezone(datetime.UTC)


_SCALARS: Final[dict[type[spark.DataType], ScalarType]] = {
    spark.BooleanType: ScalarType(
        pa.bool_(), "boolean", {"type": "boolean"}, _boolean, choices=("true", "false")
    ),
    spark.ByteType: _integer(pa.int8()),
    spark.ShortType: _integer(pa.int16()),
    spark.IntegerType: _integer(pa.int32()),
    spark.LongType: _integer(pa.int64()),
    spark.FloatType: _number(pa.float32(), _single, _FRACTION),
    spark.DoubleType: _number(pa.float64(), _double, _FRACTION),
    spark.StringType: ScalarType(pa.utf8(), "string", {"type": "string"}, _text),
    spark.DateType: _moment(pa.date32(), datetime.date.fromisoformat, _DATE),
    spark.TimestampNTZType: _moment(
        pa.timestamp("us"), datetime.datetime.fromisoformat, f"{_DATE}[ T]{_TIME}"
    ),
}
