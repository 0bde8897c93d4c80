"""An engine that embeds texts with an encoder, or with a decoder that was trained for it."""

import sparkllm_engine.before_torch  # noqa: F401

# isort: split
import os
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

import torch

from sparkllm_engine.config import EngineConfig
from sparkllm_engine.embedding.model import load_embedder
from sparkllm_engine.embedding.vectors import NOTHING_TO_EMBED, unit_vectors
from sparkllm_engine.errors import RowErrorCode
from sparkllm_engine.pieces import Tokens
from sparkllm_engine.request import Request, Result
from sparkllm_engine.statistics import Statistics
from sparkllm_engine.store.fingerprint import model_fingerprint
from sparkllm_engine.threads import use_threads

# Texts that are tokenised and sorted by length together.
_READY = 256


@dataclass(frozen=True, slots=True)
class _Text:
    id: int
    tokens: Tokens


class EmbeddingEngine:
    """Has the methods of `LLMEngine`, and takes requests for embeddings only.

    Texts of about one length share a forward pass, in which each is as long as the longest; that
    has at most `token_budget` tokens, or is of one text.

    Args:
        config: of which `cache_bytes`, `quantization`, `max_running` and `order` have no meaning.

    Raises:
        EngineConfigError: the model is not found or gives no embeddings.
    """

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        self._threads = config.threads or len(os.sched_getaffinity(0))
        use_threads(self._threads)
        self._embedder = load_embedder(config)
        self._tokenizer = self._embedder.tokenizer
        self._statistics = Statistics()
        self._inbox: dict[int, Request] = {}
        self._ready: list[_Text] = []

    @property
    def identity(self) -> dict[str, object]:
        """What determines the embeddings besides the texts."""
        return {
            "model": model_fingerprint(self.config.model),
            "dtype": str(self._embedder.model.dtype),
            "device": self._embedder.model.device.type,
            "pooling": self._embedder.pooling,
            "max_model_length": self.config.max_model_length,
        }

    @property
    def has_unfinished(self) -> bool:
        """Whether some request that was added has no result yet."""
        return bool(self._inbox or self._ready)

    def add(self, request: Request) -> None:
        """Take a request; what is wrong with it comes back as its result."""
        self._inbox[request.id] = request

    def step(self) -> list[Result]:
        """Run one forward pass of at most `token_budget` tokens and return what finished."""
        results: list[Result] = []
        if not self._ready:
            with self._statistics.phase("tokenize"):
                results += self._tokenize()
        batch = self._next_batch()
        if batch:
            with self._statistics.phase("forward"):
                results += self._embed(batch)
        for result in results:
            self._statistics.count(result)
        return results

    def cancel(self, ids: Iterable[int]) -> None:
        """Forget requests."""
        gone = set(ids)
        for request in gone:
            self._inbox.pop(request, None)
        self._ready = [text for text in self._ready if text.id not in gone]

    def statistics(self) -> dict[str, float | int]:
        """Return totals since the engine started: requests, tokens, steps, seconds."""
        return self._statistics.as_dict()

    def _tokenize(self) -> list[Result]:
        """Make the next texts ready, and return what is wrong with those that can't be."""
        requests = [self._inbox.pop(key) for key in list(islice(self._inbox, _READY))]
        encoded = self._tokenizer.encode_texts([request.prompt for request in requests])
        failed = []
        for request, tokens in zip(requests, encoded, strict=True):
            problem = self._problem(request, tokens)
            if problem is not None:
                failed.append(problem)
            elif not isinstance(tokens, Exception):
                self._ready.append(_Text(request.id, tokens))
        self._ready.sort(key=lambda text: len(text.tokens))
        return failed

    def _problem(self, request: Request, tokens: Tokens | Exception) -> Result | None:
        code = RowErrorCode.INVALID_INPUT
        most = self._embedder.most_tokens
        if not request.parameters.embedding:
            code = RowErrorCode.INVALID_CALL
            message = "this engine gives embeddings only: ask another one for text"
        elif isinstance(tokens, Exception):
            message = f"the text can't be tokenised: {type(tokens).__name__}: {tokens}"
        elif not len(tokens):
            message = NOTHING_TO_EMBED
        elif len(tokens) > most:
            message = (
                f"the text has {len(tokens)} tokens, the embedding model takes {most}: shorten it,"
                " or set overflow => 'truncate'"
            )
            return Result(
                request.id,
                None,
                "error",
                RowErrorCode.OVERFLOW,
                message,
                prompt_tokens=len(tokens),
                most_tokens=most,
            )
        else:
            return None
        return Result(request.id, None, "error", code, message)

    def _next_batch(self) -> list[_Text]:
        """Take the longest texts, as many as fit into a step together."""
        if not self._ready:
            return []
        count = max(1, self.config.token_budget // len(self._ready[-1].tokens))
        batch, self._ready = self._ready[-count:], self._ready[:-count]
        return batch

    def _embed(self, batch: list[_Text]) -> list[Result]:
        lengths = torch.tensor([len(text.tokens) for text in batch])
        ids = torch.full((len(batch), int(lengths.max())), self._embedder.padding)
        for row, text in enumerate(batch):
            ids[row, : len(text.tokens)] = torch.from_numpy(text.tokens)
        use_threads(self._threads)
        vectors = unit_vectors(self._embedder.pooled(ids, lengths))
        self._statistics.steps += 1
        self._statistics.computed_tokens += ids.numel()
        return [
            Result(text.id, "", "embedding", prompt_tokens=len(text.tokens), embedding=vector)
            for text, vector in zip(batch, vectors, strict=True)
        ]
