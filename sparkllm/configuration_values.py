"""What a configuration key is, and how the texts of its values are read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar, get_args

from sparkllm_optimizer.options import ColumnOrder

T = TypeVar("T")


class ConfigurationError(ValueError):
    """A key is unknown or its value is not of its type; the message names both."""


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """A type of values, and how its text is read; `read` raises ValueError saying what is wrong."""

    name: str
    read: Callable[[str], T]


@dataclass(frozen=True, slots=True)
class Key(Generic[T]):
    """One key: its full name, its type, and what it means.

    `scope` is "session" (may change between queries, with SET) or "startup" (fixed once the first
    query has started an engine).
    """

    kind: Kind[T]
    name: str
    default: str
    scope: str
    meaning: str

    def value(self, properties: Callable[[str], str | None]) -> T:
        """Return the key's value, looked up by full name through `properties`.

        Raises:
            ConfigurationError: the text is not of the key's type.
        """
        text = properties(self.name)
        text = self.default if text is None else text
        try:
            return self.kind.read(text)
        except ValueError as error:
            raise ConfigurationError(
                f"{self.name} = {text!r} is not valid: {error or 'wrong type'}; "
                f"a value of type {self.kind.name} is wanted, such as {self.default or '…'!r}"
            ) from None


_BYTES = {"": 1, "b": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_SECONDS = {"": 1, "ms": 1e-3, "s": 1, "min": 60, "h": 3600, "d": 86400}


def _quantity(text: str, units: Mapping[str, float]) -> float:
    number = text.strip().lower()
    digits = number.rstrip("abcdefghijklmnopqrstuvwxyz ")
    unit = number[len(digits) :].strip()
    if unit not in units:
        raise ValueError(f"unknown unit {unit!r}, the units are {', '.join(filter(None, units))}")
    return float(digits) * units[unit]


def _not_negative(number: int) -> int:
    if number < 0:
        raise ValueError("it is negative")
    return number


def _boolean(text: str) -> bool:
    if text.lower() not in ("true", "false"):
        raise ValueError("it is neither true nor false")
    return text.lower() == "true"


def _column_order(text: str) -> ColumnOrder:
    orders: dict[str, ColumnOrder] = {order.lower(): order for order in get_args(ColumnOrder)}
    if text.lower() not in orders:
        raise ValueError(f"it is none of {', '.join(orders.values())}")
    return orders[text.lower()]


def _one_of(*names: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in names:
            raise ValueError(f"it is none of {', '.join(names)}")
        return text.lower()

    return read


def _number(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise ValueError("it is negative or not finite")
    return number


TEXT = Kind("text", str)
COUNT = Kind("count", lambda text: _not_negative(int(text)))
BYTES = Kind("bytes", lambda text: int(_quantity(text, _BYTES)))
DURATION = Kind("duration", lambda text: _quantity(text, _SECONDS))
NUMBER = Kind("number", _number)
PERHAPS_NUMBER = Kind("number", lambda text: _number(text) if text.strip() else None)
BOOLEAN = Kind("boolean", _boolean)

BACKEND = Kind("native or openai", _one_of("native", "openai"))
QUANTIZATION = Kind("none or int8", _one_of("none", "int8"))
COLUMN_ORDER = Kind("asWritten, perQuery or perGroup", _column_order)
