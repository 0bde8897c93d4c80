"""What goes over the wire: the schemas of the two streams, the command and the actions.

A `DoExchange` carries one call. Its descriptor's command is JSON: the protocol's version and the
sampling parameters of all its requests. Requests go up, results come back as they finish, in any
order, by id. This module is light: clients import it.
"""

import json
from collections.abc import Mapping
from dataclasses import fields
from enum import StrEnum
from typing import Any, Final

import pyarrow as pa

from sparkllm_engine.request import SamplingParameters

PROTOCOL_VERSION: Final = 3
_LONGEST_REFUSAL = 2000

_TOKEN = [("token", pa.int32()), ("text", pa.utf8()), ("logprob", pa.float64())]

REQUEST_SCHEMA: Final = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("prompt", pa.list_(pa.dictionary(pa.int32(), pa.utf8())), nullable=False),
    ]
)

RESULT_SCHEMA: Final = pa.schema(
    [
        pa.field("id", pa.int64()),
        pa.field("text", pa.utf8()),
        pa.field("finish_reason", pa.utf8()),
        pa.field("error_code", pa.utf8()),
        pa.field("error_message", pa.utf8()),
        pa.field("prompt_tokens", pa.int32()),
        pa.field("cached_tokens", pa.int32()),
        pa.field("output_tokens", pa.int32()),
        pa.field("most_tokens", pa.int32()),
        pa.field("reused", pa.bool_()),
        pa.field("stored", pa.bool_()),
        pa.field("probabilities", pa.list_(pa.float64())),
        pa.field("logprobs", pa.list_(pa.struct([*_TOKEN, ("top", pa.list_(pa.struct(_TOKEN)))]))),
        pa.field("embedding", pa.list_(pa.float32())),
    ]
)


class Action(StrEnum):
    """The actions of the service; bodies and answers are JSON objects."""

    HEALTH = "health"
    STATISTICS = "statistics"
    REGISTER_OWNER = "register_owner"
    SHUTDOWN = "shutdown"


class ProtocolError(ValueError):
    """The client asked for what this engine can't do: asking again doesn't help."""


def encode_refusal(error: ProtocolError) -> bytes:
    """Return the extra information of the Flight error that tells the client why."""
    return json.dumps({"refused": str(error)[:_LONGEST_REFUSAL]}).encode()


def decode_refusal(extra_info: bytes | None) -> str | None:
    """Return the sentence in a Flight error's extra information, None when it is another error."""
    if not extra_info:
        return None
    try:
        return str(json.loads(extra_info)["refused"])
    except (ValueError, KeyError, TypeError):
        return None


def encode_command(
    sampling: Mapping[str, object], budget: Mapping[str, object] | None = None
) -> bytes:
    """Return the command of an exchange whose requests all have these sampling parameters.

    Args:
        sampling: fields of `SamplingParameters`.
        budget: `dataclasses.asdict` of the `metering.BudgetTerms` of the query, if it has any.
    """
    body = {"version": PROTOCOL_VERSION, "sampling": dict(sampling)}
    return json.dumps(body | ({"budget": dict(budget)} if budget else {})).encode()


def decode_budget(command: bytes) -> dict[str, Any] | None:
    """Return the budget in a command that `decode_command` takes, None when there is none."""
    body: dict[str, Any] = json.loads(command)
    return body.get("budget")


def decode_command(command: bytes) -> SamplingParameters:
    """Return the sampling parameters in a command.

    Raises:
        ProtocolError: another version, an unknown parameter, or a value of the wrong type.
    """
    try:
        body = json.loads(command)
        version, sampling = body["version"], dict(body["sampling"])
    except (ValueError, KeyError, TypeError) as error:
        raise ProtocolError(f"the command {command[:200]!r} is not of this protocol") from error
    if version != PROTOCOL_VERSION:
        raise ProtocolError(
            f"the client speaks version {version} of the protocol, the engine version "
            f"{PROTOCOL_VERSION}: install the same sparkllm for both"
        )
    known = {field.name for field in fields(SamplingParameters)}
    unknown = sorted(sampling.keys() - known)
    if unknown:
        raise ProtocolError(
            f"unknown sampling parameter '{unknown[0]}': there are {', '.join(sorted(known))}"
        )
    _check_types(sampling)
    for name in _TEXTS:
        sampling[name] = tuple(sampling.get(name, ()))
    return SamplingParameters(**sampling)


_INTEGERS = ("max_tokens", "min_tokens", "top_k")
_PERHAPS_INTEGERS = ("seed", "logprobs")
_NUMBERS = ("temperature", "top_p")
_TEXTS = ("choices", "stop")
_FLAGS = ("length_normalized", "probabilities", "embedding")


def _check_types(sampling: Mapping[str, object]) -> None:
    for name, value in sampling.items():
        if name in _INTEGERS:
            good = type(value) is int
        elif name in _PERHAPS_INTEGERS:
            good = type(value) is int or value is None
        elif name in _NUMBERS:
            good = type(value) in (int, float)
        elif name in _FLAGS:
            good = type(value) is bool
        elif name in _TEXTS:
            good = isinstance(value, list) and all(isinstance(text, str) for text in value)
        else:
            good = isinstance(value, str)
        if not good:
            raise ProtocolError(f"sampling parameter {name} can't be {value!r}")
