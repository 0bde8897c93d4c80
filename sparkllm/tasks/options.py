"""Options of a call: their types, and reading them from SQL values, maps of strings and JSON."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sparkllm.tasks.call_error import CallError
from sparkllm.tasks.task import Task


@dataclass(frozen=True, slots=True)
class Option:
    """An option.

    Attributes:
        name: as in SQL and in Python.
        kind: `text`, `texts` (none twice, blanks around them dropped), `labels` (as texts, or with
            a description each), `examples` (pairs of an input and its label), `fields` (texts, or
            a schema in DDL form), `flag`, `strings` (one or more, as they are), `integer`,
            `number`, `word` (one of `words`) or `type` (of SQL).
        low: least value of a number.
        high: greatest value of a number, None for no limit.
        low_excluded: whether `low` itself is too low.
        words: the values of a word.
        of_task: only tasks that name it take it, not every call.
    """

    name: str
    kind: str
    low: float = 0
    high: float | None = None
    low_excluded: bool = False
    words: tuple[str, ...] = ()
    of_task: bool = False


OPTIONS = (
    Option("labels", "labels", of_task=True),
    Option("multi_label", "flag", of_task=True),
    Option("examples", "examples", of_task=True),
    Option("instruction", "text", of_task=True),
    Option("fields", "fields", of_task=True),
    Option("aspects", "texts", of_task=True),
    Option("entities", "texts", of_task=True),
    Option("language", "text", of_task=True),
    Option("max_words", "integer", of_task=True),
    Option("chunk_tokens", "integer", of_task=True),
    Option("model", "text", of_task=True),
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


INSTRUCTION_OPTIONS = ("labels",)


def common_options() -> tuple[str, ...]:
    """Return the names of the options that every call takes."""
    return tuple(option.name for option in OPTIONS if not option.of_task)


def read_options(options: Mapping[str, Any], task: Task | None = None) -> dict[str, Any]:
    """Return the options as typed values, with the defaults of the task.

    An option that only the task has is any text, number or array.

    Args:
        options: as the call gives them.
        task: None for a free instruction.

    Raises:
        CallError: an option is unknown or its value is not of its type.
    """
    own = task.options if task else INSTRUCTION_OPTIONS
    names = (*own, *common_options())
    known = {option.name: option for option in OPTIONS}
    typed = {}
    for name, value in {**(task.defaults if task else {}), **options}.items():
        if name not in names:
            of = f"task {task.name}" if task else "llm"
            raise CallError(f"{of} has no option {name}: the options are {', '.join(names)}")
        option = known.get(name)
        if option is None or (name not in options and not value):
            typed[name] = value
            continue
        try:
            typed[name] = _READERS[option.kind](option, value)
        except (TypeError, ValueError) as error:
            raise CallError(f"option {name} => {value!r} is not valid: {error}") from None
    return typed


class Labels(tuple[str, ...]):
    """Labels, with the description that some have."""

    descriptions: Mapping[str, str]

    def __new__(cls, labels: Iterable[str], descriptions: Mapping[str, str]) -> "Labels":
        made = super().__new__(cls, labels)
        made.descriptions = dict(descriptions)
        return made


def _labels(option: Option, value: Any) -> Labels:
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = json.loads(value)
    if isinstance(value, list) and value and not any(isinstance(entry, str) for entry in value):
        value = dict(value)
    if isinstance(value, Mapping):
        return Labels(_texts(option, list(value)), {str(k).strip(): v for k, v in value.items()})
    return Labels(_texts(option, value), {})


def _examples(_: Option, value: Any) -> tuple[tuple[str, str], ...]:
    if isinstance(value, str):
        value = json.loads(value)
    pairs = value.items() if isinstance(value, Mapping) else value
    return tuple((str(text), str(label)) for text, label in pairs)


def _fields(option: Option, value: Any) -> Any:
    if isinstance(value, str) and not value.lstrip().startswith("["):
        return value
    return _texts(option, value)


def _flag(_: Option, value: Any) -> bool:
    if str(value).lower() not in ("true", "false"):
        raise ValueError("true or false is wanted")
    return str(value).lower() == "true"


def _text(_: Option, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("a text is wanted")
    return value


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
    "text": _text,
    "texts": _texts,
    "labels": _labels,
    "examples": _examples,
    "fields": _fields,
    "flag": _flag,
    "strings": _strings,
    "integer": _integer,
    "number": _number,
    "word": _word,
    "type": _type,
}
