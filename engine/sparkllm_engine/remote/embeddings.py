"""A request for an embedding as the body of `/embeddings`, and the vector in what comes back."""

import json
import math
from array import array
from typing import Any

from sparkllm_engine.remote.chat import UnreadableAnswerError
from sparkllm_engine.request import Request, Result

PATH = "/embeddings"
_SHOWN = 200


def body_of(request: Request, model: str) -> dict[str, Any]:
    """Return the body to send."""
    return {"model": model, "input": "".join(request.prompt), "encoding_format": "float"}


def estimated_tokens(request: Request) -> int:
    """Return about how many tokens a request costs, rather too many than too few."""
    return sum(len(piece.encode()) for piece in request.prompt) // 3 + 16


def read_answer(request: Request, content: bytes) -> Result:
    """Return the result in the content of a response with status 200, of length 1.

    Raises:
        UnreadableAnswerError: it holds no embedding.
    """
    try:
        body = json.loads(content)
        numbers = [float(number) for number in body["data"][0]["embedding"]]
        tokens = int((body.get("usage") or {}).get("prompt_tokens") or 0)
        length = math.hypot(*numbers)
        if not numbers or not math.isfinite(length):
            raise ValueError("no vector")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        shown = content[:_SHOWN].decode(errors="replace")
        raise UnreadableAnswerError(f"it answered {shown!r}") from error
    vector = array("f", [number / (length or 1.0) for number in numbers])
    return Result(request.id, "", "embedding", prompt_tokens=tokens, embedding=vector)
