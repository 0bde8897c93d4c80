"""An answer as the bytes of a record, and back.

record = head text probability{choices} rest     rest = logprobs as JSON, or the embedding
"""

import json
import struct
from array import array
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from sparkllm_engine.request import Result, TokenLogprob

_REASONS: Final = ("stop", "length", "choice", "embedding")
_HEAD = struct.Struct("<BIIIIH")


def encode_result(result: Result) -> bytes | None:
    """Return an answer as bytes, without its id; None for what is no answer."""
    if result.text is None or result.error_code is not None or result.finish_reason not in _REASONS:
        return None
    text = result.text.encode("utf-8", "surrogatepass")
    head = _HEAD.pack(
        _REASONS.index(result.finish_reason),
        result.prompt_tokens,
        result.cached_tokens,
        result.output_tokens,
        len(text),
        len(result.probabilities),
    )
    probabilities = np.array(result.probabilities, "<f8").tobytes()
    return b"".join((head, text, probabilities, _rest(result)))


def decode_result(value: bytes) -> Result | None:
    """Return the answer, with the id 0; None when the bytes are not one."""
    try:
        reason, prompt, cached, output, length, choices = _HEAD.unpack_from(value)
        end = _HEAD.size + length
        text = value[_HEAD.size : end].decode("utf-8", "surrogatepass")
        probabilities = tuple(np.frombuffer(value, "<f8", choices, end).tolist()) if choices else ()
        rest = value[end + 8 * choices :]
        embedded = _REASONS[reason] == "embedding"
        logprobs = tuple(map(_token, json.loads(rest))) if rest and not embedded else ()
        return Result(
            id=0,
            text=text,
            finish_reason=_REASONS[reason],
            prompt_tokens=prompt,
            cached_tokens=cached,
            output_tokens=output,
            probabilities=probabilities,
            logprobs=logprobs,
            embedding=array("f", np.frombuffer(rest, "<f4").tolist()) if embedded else None,
        )
    except (struct.error, ValueError, IndexError, KeyError, TypeError):
        return None


def _rest(result: Result) -> bytes:
    if result.embedding is not None:
        return np.array(result.embedding, "<f4").tobytes()
    logprobs = [asdict(token) for token in result.logprobs]
    return json.dumps(logprobs).encode() if logprobs else b""


def _token(body: dict[str, Any]) -> TokenLogprob:
    return TokenLogprob(
        body["token"], body["text"], body["logprob"], tuple(_token(top) for top in body["top"])
    )
