"""Options of a call: their types, and reading them from SQL values, maps of strings and JSON."""

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sparkllm.tasks.call import CallError


def _labels(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = json.loads(value) if value.lstrip().startswith("[") else value.split(",")
    if not isinstance(value, Iterable):
        raise TypeError("an array of strings is wanted")
    labels = tuple(str(label).strip() for label in value)
    if not labels or not all(labels):
        raise ValueError("there must be at least one label and no empty one")
    if len(set(labels)) != len(labels):
        raise ValueError("each label may stand there once")
    return labels


def _number(
    kind: Callable[[Any], Any], low: float, high: float = float("inf")
) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        number = kind(value)
        if not low <= number <= high:
            raise ValueError(f"a value from {low:g} to {high:g} is wanted")
        return number

    return read


_READERS: dict[str, Callable[[Any], Any]] = {
    "labels": _labels,
    "max_tokens": _number(int, 1),
    "temperature": _number(float, 0.0),
    "top_k": _number(int, 0),
    "top_p": _number(float, 0.0, 1.0),
    "seed": _number(int, 0),
}


def option_names() -> tuple[str, ...]:
    """Return the names of all options."""
    return tuple(_READERS)


def read_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options as typed values.

    Raises:
        CallError: an option is unknown or its value is not of its type.
    """
    typed = {}
    for name, value in options.items():
        reader = _READERS.get(name)
        if reader is None:
            raise CallError(f"llm has no option {name}: the options are {', '.join(_READERS)}")
        try:
            typed[name] = reader(value)
        except (TypeError, ValueError) as error:
            raise CallError(f"option {name} => {value!r} is not valid: {error}") from None
    return typed
