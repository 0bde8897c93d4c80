"""A request as the body of `/chat/completions`, and the answer in what comes back.

A closed set, a JSON schema and a regular expression become one JSON schema of an object with the
field `answer`, for the service to follow; what it gives is checked all the same.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from sparkllm_engine.errors import RowErrorCode
from sparkllm_engine.request import Request, Result, SamplingParameters

PATH = "/chat/completions"
_FIELD = "answer"
_SHOWN = 200


class UnreadableAnswerError(ValueError):
    """What came back is no chat completion; the service may do better next time."""


def problem_of(parameters: SamplingParameters) -> str | None:
    """Return what a remote service can't do of this, None if it may."""
    if parameters.logprobs is not None or parameters.probabilities:
        return "the backend openai gives no probabilities: leave them out, or use backend native"
    return parameters.problem()


def body_of(request: Request, model: str) -> dict[str, Any]:
    """Return the body to send; values that the service may not know are only in it when set."""
    parameters = request.parameters
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": "user", "content": "".join(request.prompt)}],
        "max_tokens": parameters.max_tokens,
        "temperature": parameters.temperature,
    }
    usual = SamplingParameters()
    for name in ("top_p", "top_k", "min_tokens", "seed"):
        if getattr(parameters, name) != getattr(usual, name):
            body[name] = getattr(parameters, name)
    if parameters.stop:
        body["stop"] = list(parameters.stop)
    schema = _schema(parameters)
    if schema is not None:
        form = {"name": _FIELD, "strict": True, "schema": schema}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return body


def estimated_tokens(request: Request) -> int:
    """Return about how many tokens a request costs, rather too many than too few."""
    letters = sum(len(piece.encode()) for piece in request.prompt)
    parameters = request.parameters
    longest = max((len(choice.encode()) for choice in parameters.choices), default=0)
    answer = min(parameters.max_tokens, longest + 16) if longest else parameters.max_tokens
    return letters // 3 + 16 + answer


def read_answer(request: Request, content: bytes) -> Result:
    """Return the result in the content of a response with status 200.

    Raises:
        UnreadableAnswerError: it is no chat completion.
    """
    try:
        body = json.loads(content)
        choice = body["choices"][0]
        text, reason = choice["message"]["content"], choice.get("finish_reason") or "stop"
        usage = body.get("usage") or {}
        counts = (
            int(usage.get("prompt_tokens") or 0),
            int((usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0),
            int(usage.get("completion_tokens") or 0),
        )
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        shown = content[:_SHOWN].decode(errors="replace")
        raise UnreadableAnswerError(f"it answered {shown!r}") from error
    if reason == "length":
        return Result(request.id, str(text or ""), "length", None, None, *counts)
    if not isinstance(text, str):
        refusal = choice["message"].get("refusal") or reason
        message = f"the service gave no answer: {str(refusal)[:_SHOWN]}"
        return Result(request.id, None, "error", RowErrorCode.BACKEND, message, *counts)
    answer, wrong = _checked(request.parameters, text)
    if wrong is not None:
        return Result(request.id, None, "error", RowErrorCode.INVALID_ANSWER, wrong, *counts)
    reason = "choice" if request.parameters.choices else "stop"
    return Result(request.id, answer, reason, None, None, *counts)


def _schema(parameters: SamplingParameters) -> Mapping[str, Any] | None:
    inner: Any
    if parameters.choices:
        inner = {"type": "string", "enum": list(parameters.choices)}
    elif parameters.json_schema:
        inner = json.loads(parameters.json_schema)
    elif parameters.regex:
        inner = {"type": "string", "pattern": f"^(?:{parameters.regex})$"}
    else:
        return None
    return {
        "type": "object",
        "properties": {_FIELD: inner},
        "required": [_FIELD],
        "additionalProperties": False,
    }


def _checked(parameters: SamplingParameters, text: str) -> tuple[str | None, str | None]:
    """Return the answer, or what is wrong with it."""
    schema = _schema(parameters)
    if schema is None:
        return text, None
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    try:
        body = json.loads(text)
        problem = next(Draft202012Validator(schema).iter_errors(body), None)
    except (ValueError, RecursionError):
        return None, f"the service answered {shown!r}, which is not the JSON asked for"
    except (SchemaError, re.error) as error:
        return None, f"the answer {shown!r} can't be checked: {error}"
    if problem is not None:
        return None, f"the service answered {shown!r}: {problem.message[:_SHOWN]}"
    answer = body[_FIELD]
    is_text = parameters.choices or parameters.regex
    return (answer if is_text else json.dumps(answer, ensure_ascii=False)), None
