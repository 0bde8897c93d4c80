"""Answers that follow a regular expression or a JSON schema, by llguidance.

An Earley parser over a derivative-based lexer says which tokens may follow, so compiling takes
about a millisecond and a mask about 50 µs (https://github.com/guidance-ai/llguidance).
"""

from typing import Any

import numpy as np
import torch
from llguidance import LLExecutor, LLMatcher, LLTokenizer
from llguidance.numpy import allocate_token_bitmask, fill_next_token_bitmask_par
from torch import Tensor

from sparkllm_engine.request import SamplingParameters

# Compiled grammars that are kept: a column has one.
_GRAMMARS = 64
# One way to write each value, the one of Python's json: blanks that a grammar leaves open are
# tokens to compute, and a weak model may go on with them for ever.
_JSON_LAYOUT: Any = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}


class GrammarError(ValueError):
    """A grammar can't be compiled; the message says what is wrong with it."""


class Grammar:
    """How far one answer has come in its grammar.

    Attributes:
        matcher: of llguidance.
    """

    def __init__(self, matcher: LLMatcher, tokenizer: LLTokenizer) -> None:
        self._tokenizer = tokenizer
        self.matcher = matcher

    @property
    def complete(self) -> bool:
        """Whether the answer can't go on."""
        return bool(self.matcher.is_stopped())

    @property
    def error(self) -> str:
        """Why the grammar can't be followed any further, empty if it can."""
        return _first_line(self.matcher.get_error()) if self.matcher.is_error() else ""

    def take(self, token: int) -> None:
        """Go on with a token that the mask allowed."""
        self.matcher.consume_token(token)

    def take_forced(self) -> list[int]:
        """Go on with the tokens that must follow, and return them.

        They are the tokenizer's own for the text that must follow, up to where a longer token could
        reach beyond that text: a cut that the tokenizer never makes would mislead the model.
        """
        tokens: list[int] = self.matcher.compute_ff_tokens()
        if tokens:
            self.matcher.consume_tokens(tokens)
        return tokens

    def text_of(self, tokens: list[int]) -> str:
        """Return the text of answer tokens, byte for byte what the grammar took."""
        return str(self._tokenizer.decode_str(tokens))


class GrammarCompiler:
    """Compiles grammars for one model, each once.

    Args:
        tokenizer: as transformers loads it.
        vocabulary: tokens that the model has logits for.
        end_tokens: tokens that end an answer.
        threads: threads that make masks.
    """

    def __init__(
        self, tokenizer: Any, vocabulary: int, end_tokens: frozenset[int], threads: int
    ) -> None:
        self._source = tokenizer
        self._vocabulary = vocabulary
        self._end_tokens = sorted(end_tokens)
        self._threads = threads
        self._tokenizer: LLTokenizer | None = None
        self._executor: LLExecutor | None = None
        self._compiled: dict[tuple[str, str], LLMatcher] = {}

    def start(self, parameters: SamplingParameters) -> Grammar:
        """Return the grammar of these parameters, which have one, at its start.

        Raises:
            GrammarError: it can't be compiled, or not for the model's tokenizer.
        """
        key = (parameters.regex, parameters.json_schema)
        tokenizer = self._load()
        matcher = self._compiled.get(key)
        if matcher is None:
            matcher = LLMatcher(tokenizer, _source(parameters), log_level=0)
            if matcher.is_error():
                raise GrammarError(f"{_kind(parameters)}: {_first_line(matcher.get_error())}")
            if len(self._compiled) >= _GRAMMARS:
                del self._compiled[next(iter(self._compiled))]
            self._compiled[key] = matcher
        return Grammar(matcher.deep_copy(), tokenizer)

    def restrict(self, logits: Tensor, grammars: dict[int, Grammar]) -> None:
        """Set the logits of tokens that may not follow to minus infinity, in place.

        Args:
            logits: `[rows, vocabulary]`.
            grammars: by row; the other rows stay as they are.
        """
        if self._executor is None:
            self._executor = LLExecutor(self._threads)
        width = self._load().vocab_size
        mask = allocate_token_bitmask(len(grammars), width)
        matchers = [(grammar.matcher, index) for index, grammar in enumerate(grammars.values())]
        fill_next_token_bitmask_par(self._executor, matchers, mask)
        allowed = np.unpackbits(mask.view(np.uint8), axis=1, bitorder="little")
        forbidden = torch.from_numpy(allowed[:, : logits.shape[1]] == 0).to(logits.device)
        rows = torch.tensor(list(grammars), device=logits.device)
        logits[rows] = logits[rows].masked_fill(forbidden, float("-inf"))

    def _load(self) -> LLTokenizer:
        if self._tokenizer is None:
            backend = self._source.backend_tokenizer
            state = type(backend).from_str(backend.to_str())
            state.no_padding()
            state.no_truncation()
            size = max(self._vocabulary, len(self._source))
            try:
                self._tokenizer = LLTokenizer(
                    state.to_str(), n_vocab=size, eos_token=self._end_tokens
                )
            except ValueError as error:
                raise GrammarError(
                    f"answers of this model can't be made to follow a grammar: {error}"
                ) from error
        return self._tokenizer


def _source(parameters: SamplingParameters) -> str:
    if parameters.regex:
        return str(LLMatcher.grammar_from_regex(parameters.regex))
    try:
        return str(LLMatcher.grammar_from_json_schema(parameters.json_schema, _JSON_LAYOUT))
    except ValueError as error:
        raise GrammarError(f"json_schema is no JSON: {error}") from error


def _kind(parameters: SamplingParameters) -> str:
    shown = parameters.regex or parameters.json_schema
    name = "regex" if parameters.regex else "json_schema"
    return f"{name} {shown[:100]!r} can't be used"


def _first_line(message: str) -> str:
    """Return what llguidance says went wrong, without the drawing of where."""
    lines = [line.strip() for line in str(message).splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error:")]
    return (errors or lines or [""])[0].removeprefix("error: ")
