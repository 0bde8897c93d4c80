"""The answer types of tasks: their kind of answer, with the labels or aspects of a call."""

import json
from collections.abc import Mapping, Sequence

import pyarrow as pa

from sparkllm.tasks.answer_type import AnswerType
from sparkllm.tasks.json_types import parse_json
from sparkllm.tasks.prompt import Prompt

_POLARITIES = ("positive", "negative", "neutral", "mixed")
_VECTOR = pa.list_(pa.field("element", pa.float32()))
_FIXED: Mapping[str, AnswerType] = {
    "boolean": AnswerType("boolean", pa.bool_(), {}, lambda text: text == "yes"),
    "probability": AnswerType("double", pa.float64(), {}, float),
    "tokens": AnswerType("int", pa.int32(), {}, int),
    "embedding": AnswerType("array<float>", _VECTOR, {"embedding": True}, json.loads),
}


def answer_type_of(prompt: Prompt, returns: str | None, time_zone: str) -> AnswerType | None:
    """Return the type of a prompt's answers, None for their text.

    Args:
        prompt: of the call.
        returns: the type in Spark's JSON form, where the call has one.
        time_zone: of timestamps that name none.

    Raises:
        CallError: answers can't have this type.
    """
    if prompt.answer in _FIXED:
        return _FIXED[prompt.answer]
    match prompt.answer:
        case "labels" if prompt.names:
            return _several(prompt.names)
        case "aspects" if prompt.names:
            return _by_aspect(prompt.names)
    return AnswerType.from_json(returns, time_zone) if returns else None


def _several(labels: Sequence[str]) -> AnswerType:
    """Return the type of the labels that apply: the model says true or false for each."""

    def read(text: str) -> list[str]:
        said = parse_json(text)
        return [label for label in labels if said[label] is True]

    schema = _object(labels, {"type": "boolean"})
    arrow = pa.list_(pa.field("element", pa.utf8()))
    return AnswerType("array<string>", arrow, {"json_schema": schema}, read)


def _by_aspect(aspects: Sequence[str]) -> AnswerType:
    schema = _object(aspects, {"enum": [*_POLARITIES, None]})
    arrow = pa.struct([(aspect, pa.utf8()) for aspect in aspects])
    return AnswerType("struct", arrow, {"json_schema": schema}, parse_json)


def _object(names: Sequence[str], part: object) -> str:
    return json.dumps(
        {
            "type": "object",
            "properties": dict.fromkeys(names, part),
            "required": list(names),
            "additionalProperties": False,
        },
        ensure_ascii=False,
    )
