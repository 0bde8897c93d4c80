"""Options of a call: their types, and reading them from SQL values, maps of strings and JSON."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sparkllm.tasks.call import CallError


@dataclass(frozen=True, slots=True)
class Option:
    """An option.

    Attributes:
        name: as in SQL and in Python.
        kind: `texts` (at least one, none twice, blanks around them dropped), `strings` (one or
            more, as they are), `integer`, `number`, `word` (one of `words`) or `type` (of SQL).
        low: least value of a number.
        high: greatest value of a number, None for no limit.
        low_excluded: whether `low` itself is too low.
        words: the values of a word.
    """

    name: str
    kind: str
    low: float = 0
    high: float | None = None
    low_excluded: bool = False
    words: tuple[str, ...] = ()


OPTIONS = (
    Option("labels", "texts"),
    Option("max_tokens", "integer", low=1),
    Option("temperature", "number"),
    Option("top_k", "integer"),
    Option("top_p", "number", high=1, low_excluded=True),
    Option("seed", "integer"),
    Option("stop", "strings"),
    Option("min_tokens", "integer"),
    Option("returns", "type"),
    Option("on_error", "word", words=("null", "fail", "detail")),
    Option("max_error_ratio", "number", high=1),
    Option("overflow", "word", words=("error", "truncate")),
)

# What an error of a row does to the query; no matter of the engine.
ERROR_OPTIONS = ("on_error", "max_error_ratio")


def option_names() -> tuple[str, ...]:
    """Return the names of all options."""
    return tuple(option.name for option in OPTIONS)


def read_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options as typed values.

    Raises:
        CallError: an option is unknown or its value is not of its type.
    """
    known = {option.name: option for option in OPTIONS}
    typed = {}
    for name, value in options.items():
        option = known.get(name)
        if option is None:
            raise CallError(f"llm has no option {name}: the options are {', '.join(known)}")
        try:
            typed[name] = _READERS[option.kind](option, value)
        except (TypeError, ValueError) as error:
            raise CallError(f"option {name} => {value!r} is not valid: {error}") from None
    return typed


def _texts(_: Option, value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = json.loads(value) if value.lstrip().startswith("[") else value.split(",")
    if not isinstance(value, Iterable):
        raise TypeError("an array of texts is wanted")
    texts = tuple(str(text).strip() for text in value)
    if not texts or not all(texts):
        raise ValueError("there must be at least one text and no empty one")
    if len(set(texts)) != len(texts):
        raise ValueError("each text may stand there once")
    return texts


def _strings(_: Option, value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = json.loads(value) if value.startswith("[") else (value,)
    strings = tuple(value)
    if not strings or not all(isinstance(string, str) and string for string in strings):
        raise ValueError("a text or an array of texts is wanted, none of them NULL or empty")
    return strings


def _integer(option: Option, value: Any) -> int:
    number = float(value)
    if not number.is_integer():
        raise ValueError("a whole number is wanted")
    _check_range(option, number)
    return int(value) if isinstance(value, str) else int(number)


def _number(option: Option, value: Any) -> float:
    number = float(value)
    _check_range(option, number)
    return number


def _check_range(option: Option, number: float) -> None:
    high = float("inf") if option.high is None else option.high
    if not option.low <= number <= high or (option.low_excluded and number == option.low):
        low = f"above {option.low:g}" if option.low_excluded else f"at least {option.low:g}"
        upper = "" if option.high is None else f" and at most {option.high:g}"
        raise ValueError(f"a value {low}{upper} is wanted")


def _word(option: Option, value: Any) -> str:
    if not isinstance(value, str) or value.lower() not in option.words:
        raise ValueError(f"it is none of {', '.join(option.words)}")
    return value.lower()


def _type(_: Option, value: Any) -> str:
    raise ValueError("only the Catalyst extension gives typed answers")


_READERS: Mapping[str, Callable[[Option, Any], Any]] = {
    "texts": _texts,
    "strings": _strings,
    "integer": _integer,
    "number": _number,
    "word": _word,
    "type": _type,
}
