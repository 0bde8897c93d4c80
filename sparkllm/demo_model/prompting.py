"""From pieces of a user message to token ids, as the engine makes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from transformers import PreTrainedTokenizerBase

from sparkllm.demo_model.corpus.example import Example

_SENTINEL = "\x00content\x00"


@dataclass(frozen=True, slots=True)
class Encoded:
    """Token ids of one example: `[fields_start, fields_end)` is row text, the answer follows
    from `answer_start`, with the token that ends it. `firsts` holds the tokens that a closed set of
    answers can start with, each with the probability that it should; none where the answer is free.
    """

    ids: list[int]
    fields_start: int
    fields_end: int
    answer_start: int
    firsts: tuple[tuple[int, float], ...] = ()


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
        return Encoded(ids + answer, start, end, len(ids), self._firsts(example))

    def _firsts(self, example: Example) -> tuple[tuple[int, float], ...]:
        """Return the first tokens of the choices; choices that share one add their shares."""
        sure = [float(choice == example.answer) for choice in example.choices]
        shares: dict[int, float] = {}
        for choice, share in zip(example.choices, example.beliefs or sure, strict=True):
            first = self._literal(choice)[0]
            shares[first] = shares.get(first, 0.0) + share
        return tuple(shares.items())
