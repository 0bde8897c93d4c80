"""From pieces of a user message to token ids, as the engine makes them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from transformers import PreTrainedTokenizerBase

from sparkllm.demo_model.corpus.example import Example

_KEY = re.compile(r'(?:\{|, )"[^"]*":|\}$')
_SENTINEL = "\x00content\x00"


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids of one example: `[fields_start, fields_end)` is row text, the answer follows
    from `answer_start`, with the token that ends it. `firsts` holds the tokens that a closed set of
    answers can start with, each with the probability that it should; none where the answer is free.
    `given` are the places of answer tokens that the keys of a JSON object fix; `features` is what
    an encoder sees in the row's text.
    """

    ids: list[int]
    fields_start: int
    fields_end: int
    answer_start: int
    firsts: tuple[tuple[int, float], ...] = ()
    given: tuple[int, ...] = ()
    features: tuple[float, ...] = ()


class PromptEncoder:
    """Encodes user messages. Each piece is a text of its own, special tokens in it are text."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        rendered = tokenizer.apply_chat_template(
            [{"role": "user", "content": _SENTINEL}], tokenize=False, add_generation_prompt=True
        )
        prefix, suffix = str(rendered).split(_SENTINEL)
        self._prefix = self._special(prefix)
        self._suffix = self._special(suffix)
        self._end = tokenizer.convert_tokens_to_ids("<|end|>")
        self._literal = lru_cache(4096)(self.text)

    def _special(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def text(self, text: str) -> list[int]:
        """Return the ids of untrusted text."""
        encoded = self._tokenizer(text, add_special_tokens=False, split_special_tokens=True)
        return list(encoded["input_ids"])

    def prompt(self, pieces: Sequence[str]) -> list[int]:
        """Return the ids of a user message, up to where the answer starts."""
        ids = list(self._prefix)
        for piece in pieces:
            ids += self.text(piece)
        return ids + self._suffix

    def answer(self, text: str) -> list[int]:
        """Return the ids of an answer with the token that ends it."""
        return [*self._literal(text), self._end]

    def example(self, example: Example) -> Encoded:
        """Return an example as ids."""
        head, *rest = example.pieces
        ids = [*self._prefix, *self._literal(head)]
        start = len(ids)
        for piece in rest:
            ids += self.text(piece)
        end = len(ids)
        ids += self._suffix
        answer = self.answer(example.answer)
        given = () if example.choices else self._given(example.answer, len(ids))
        firsts = self._firsts(example)
        return Encoded(ids + answer, start, end, len(ids), firsts, given, example.features)

    def _given(self, answer: str, start: int) -> tuple[int, ...]:
        """Return the places of the tokens that lie within the keys of a JSON object."""
        keys = [match.span() for match in _KEY.finditer(answer)] if answer.startswith("{") else []
        if not keys:
            return ()
        encoded = self._tokenizer(
            answer,
            add_special_tokens=False,
            split_special_tokens=True,
            return_offsets_mapping=True,
        )
        return tuple(
            start + place
            for place, (first, last) in enumerate(encoded["offset_mapping"])
            if any(first >= begin and last <= end for begin, end in keys)
        )

    def _firsts(self, example: Example) -> tuple[tuple[int, float], ...]:
        """Return the first tokens of the choices; choices that share one add their shares."""
        sure = [float(choice == example.answer) for choice in example.choices]
        shares: dict[int, float] = {}
        for choice, share in zip(example.choices, example.beliefs or sure, strict=True):
            first = self._literal(choice)[0]
            shares[first] = shares.get(first, 0.0) + share
        return tuple(shares.items())
