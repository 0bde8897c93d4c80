"""Prompts as token ids, with row text that can't speak in special tokens; answers as text."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from sparkllm_engine.errors import EngineConfigError
from sparkllm_engine.pieces import PieceEncoder, Tokens

_SENTINEL = "\ue000sparkllm\ue000"


class PromptTokenizer:
    """Turns user messages into prompts of the model.

    The chat template is rendered once, with a sentinel as the user message; only what stands before
    and after the sentinel is tokenised with special tokens.

    Attributes:
        end_token: the token that ends the model's turn.

    Raises:
        EngineConfigError: the tokenizer or its chat template can't be used this way.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._text = without_special_tokens(tokenizer)
        self._pieces = PieceEncoder(self._text)
        before, after = _template(tokenizer)
        self._prefix = np.array(before, np.int32)
        self._suffix = np.array(after, np.int32)
        self._first, self._last = special_tokens(tokenizer)
        end = tokenizer.eos_token_id
        self.end_token: int = self.encode_text("\n")[-1] if end is None else int(end)

    @property
    def overhead(self) -> int:
        """Tokens of the chat template around every user message."""
        return len(self._prefix) + len(self._suffix)

    def encode_prompts(self, prompts: Sequence[Sequence[str]]) -> list[Tokens | Exception]:
        """Return the token ids of each prompt, given as pieces; or what went wrong with it."""
        return [
            encoded
            if isinstance(encoded, Exception)
            else np.concatenate((self._prefix, encoded, self._suffix))
            for encoded in self._pieces.encode(prompts)
        ]

    def encode_texts(self, texts: Sequence[Sequence[str]]) -> list[Tokens | Exception]:
        """Return the token ids of texts without the chat template, or what went wrong.

        They get the special tokens that the tokenizer puts around any text.
        """
        return [
            encoded
            if isinstance(encoded, Exception)
            else np.concatenate((self._first, encoded, self._last))
            for encoded in self._pieces.encode(texts)
        ]

    def encode_text(self, text: str) -> list[int]:
        """Return the token ids of an answer's text."""
        ids: list[int] = self._text.encode(text, add_special_tokens=False).ids
        return ids

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text of answer tokens."""
        return str(self._tokenizer.decode(tokens, skip_special_tokens=True))

    def token_text(self, token: int) -> str:
        """Return the text of one token, special or not."""
        return str(self._tokenizer.decode([token]))


def special_tokens(tokenizer: Any) -> tuple[Tokens, Tokens]:
    """Return the token ids that the tokenizer puts before and after any text."""
    bare = tokenizer("a", add_special_tokens=False)["input_ids"]
    whole = tokenizer("a")["input_ids"]
    for start in range(len(whole) - len(bare) + 1):
        if whole[start : start + len(bare)] == bare:
            after = whole[start + len(bare) :]
            return np.array(whole[:start], np.int32), np.array(after, np.int32)
    raise EngineConfigError("the model's tokenizer changes a text beside its special tokens")


def without_special_tokens(tokenizer: Any) -> Tokenizer:
    """Return a copy of the tokenizer that reads every text as plain text.

    Added tokens go, special or not (control words such as `<think>` are often not); those made of
    blanks stay, because they are how some tokenizers write runs of blanks.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if not isinstance(backend, Tokenizer):
        raise EngineConfigError(
            f"the model's tokenizer, {type(tokenizer).__name__}, is not one of the tokenizers"
            " library: give a model with a tokenizer.json"
        )
    state = json.loads(backend.to_str())
    state["added_tokens"] = [token for token in state["added_tokens"] if token["content"].isspace()]
    state["truncation"] = state["padding"] = None
    plain = Tokenizer.from_str(json.dumps(state))
    plain.encode_special_tokens = True
    return plain


def _template(tokenizer: Any) -> tuple[list[int], list[int]]:
    """Return the token ids before and after the user message."""
    if not tokenizer.chat_template:
        return _opening(tokenizer), tokenizer("\n", add_special_tokens=False)["input_ids"]
    message = [{"role": "user", "content": _SENTINEL}]
    try:
        # Templates of models that think before they answer are told not to; others don't ask.
        rendered = tokenizer.apply_chat_template(
            message, tokenize=False, add_generation_prompt=True, enable_thinking=False
        )
    except Exception as error:
        raise EngineConfigError(f"the model's chat template fails: {error}") from error
    before, found, after = rendered.partition(_SENTINEL)
    if not found:
        raise EngineConfigError("the model's chat template leaves out the user message")
    return (
        tokenizer(before, add_special_tokens=False)["input_ids"],
        tokenizer(after, add_special_tokens=False)["input_ids"],
    )


def _opening(tokenizer: Any) -> list[int]:
    """Return what the tokenizer puts before any text, such as the token that begins one."""
    opening: list[int] = tokenizer("")["input_ids"]
    closed = opening[-1:] == [tokenizer.eos_token_id]
    return opening[:-1] if closed and tokenizer.bos_token_id != tokenizer.eos_token_id else opening
