"""In the place of the engine's exchange: prompts are told to the driver, and no model is called."""

import numpy as np
import pyarrow as pa
from tokenizers import Tokenizer

from sparkllm.tasks import Call
from sparkllm.worker.model_files import local_tokenizer
from sparkllm.worker.ready import ReadyAnswers, ReadyExchange
from sparkllm.worker.reporting import Reporter
from sparkllm_engine.server.protocol import RESULT_SCHEMA

_MOST_PROMPTS = 20
_MOST_CHARACTERS = 8_000


class PreviewExchange(ReadyExchange):
    """Takes windows of prompts as `client.Exchange` does; every answer is NULL.

    The first prompts of the first window are reported in the order in which the engine would have
    got them, each with what it shares with the one before and with its tokens.

    Args:
        call: whose prompts they are.
        reporter: tells them.
        model: whose tokenizer counts, if it is on this machine.
    """

    def __init__(self, call: Call, reporter: Reporter, model: str) -> None:
        self._call = call
        self._model = model
        self._reporter = reporter
        self._told = False

    def submit(self, prompts: pa.Array) -> ReadyAnswers:
        """Report the window if it is the first; `prompts` are `list<dictionary<int32, utf8>>`."""
        if not self._told:
            self._told = True
            self._tell(prompts)
        rows = len(prompts)
        zeros = {name: pa.array(np.zeros(rows, np.int32)) for name in _counts()}
        return ReadyAnswers(rows, {"stored": pa.array(np.zeros(rows, bool)), **zeros})

    def _tell(self, prompts: pa.Array) -> None:
        shared = _shared_characters(prompts)
        texts = ["".join(pieces) for pieces in prompts.slice(0, _MOST_PROMPTS).to_pylist()]
        tokenizer = local_tokenizer(self._model)
        for place, text in enumerate(texts):
            before = texts[place - 1] if place else ""
            self._reporter.preview(
                {
                    "task": self._call.task[:_MOST_CHARACTERS],
                    "columns": list(self._call.columns),
                    "prompts": len(prompts),
                    "shared": shared,
                    "text": text[:_MOST_CHARACTERS],
                    "common": _common(before, text[:_MOST_CHARACTERS]),
                    "tokens": _tokens(tokenizer, text),
                }
            )


def _tokens(tokenizer: Tokenizer | None, text: str) -> int | None:
    return None if tokenizer is None else len(tokenizer.encode(text, add_special_tokens=False).ids)


def _counts() -> list[str]:
    return [field.name for field in RESULT_SCHEMA if pa.types.is_int32(field.type)]


def _shared_characters(prompts: pa.Array) -> float:
    """The share of all characters that are in whole pieces which begin the prompt before, too."""
    if not len(prompts):
        return 0.0
    lengths = np.array([len(text) for text in prompts.values.dictionary.to_pylist()], np.int64)
    counts = np.diff(prompts.offsets.to_numpy())
    is_piece = np.arange(counts.max()) < counts[:, None]  # prompts about groups have any number
    pieces = np.full(is_piece.shape, len(lengths))
    pieces[is_piece] = prompts.values.indices.to_numpy()
    same = np.logical_and.accumulate(pieces[1:] == pieces[:-1], axis=1)
    whole = np.append(lengths, 0)[pieces]
    return float((whole[1:] * same).sum() / max(whole.sum(), 1))


def _common(before: str, text: str) -> int:
    length = min(len(before), len(text))
    return next((place for place in range(length) if before[place] != text[place]), length)
