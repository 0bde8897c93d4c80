"""Engines that answer at once, to measure everything around the model."""

import zlib
from collections.abc import Iterable

from tokenizers import Tokenizer

from sparkllm_engine import EngineConfig, Request, Result
from sparkllm_optimizer import RadixCache


class InstantEngine:
    """Answers every request in the next step: its first choice, or the length of its prompt."""

    def __init__(self, config: EngineConfig) -> None:
        self._results: list[Result] = []

    @property
    def has_unfinished(self) -> bool:
        """Whether a step would return something."""
        return bool(self._results)

    def add(self, request: Request) -> None:
        """Take a request."""
        choices = request.parameters.choices
        text = choices[0] if choices else str(sum(map(len, request.prompt)))
        self._results.append(Result(request.id, text, "choice" if choices else "stop"))

    def step(self) -> list[Result]:
        """Return the results of all requests taken since the last step."""
        results, self._results = self._results, []
        return results

    def cancel(self, ids: Iterable[int]) -> None:
        """Drop requests."""
        dropped = set(ids)
        self._results = [result for result in self._results if result.id not in dropped]

    def statistics(self) -> dict[str, float | int]:
        """Return nothing: there is no work to count."""
        return {}


class ChecksumEngine(InstantEngine):
    """Picks one of the choices by a checksum of the prompt, each about as often as the others.

    It counts the tokens of prompts, without those of a chat template.
    """

    def __init__(self, config: EngineConfig) -> None:
        super().__init__(config)
        self._tokenizer = Tokenizer.from_file(f"{config.model}/tokenizer.json")

    def add(self, request: Request) -> None:
        """Take a request."""
        super().add(request)
        choices = request.parameters.choices
        prompt = "".join(request.prompt)
        tokens = len(self._tokenizer.encode(prompt).ids)
        if choices:
            text = choices[zlib.crc32(prompt.encode()) % len(choices)]
            self._results[-1] = Result(request.id, text, "choice", prompt_tokens=tokens)


class CacheEngine(InstantEngine):
    """Counts tokens as the engine does, with the model's tokenizer and a cache without bound."""

    def __init__(self, config: EngineConfig) -> None:
        from transformers import AutoTokenizer

        from sparkllm_engine.tokenization import PromptTokenizer

        super().__init__(config)
        self._tokenizer = PromptTokenizer(AutoTokenizer.from_pretrained(config.model))
        self._cache = RadixCache()

    def add(self, request: Request) -> None:
        """Take a request."""
        super().add(request)
        (tokens,) = self._tokenizer.encode_prompts([request.prompt])
        if not isinstance(tokens, Exception):
            text, reason = self._results[-1].text, self._results[-1].finish_reason
            counts = len(tokens), self._cache.serve(tokens.tolist())
            self._results[-1] = Result(request.id, text, reason, None, None, *counts)
