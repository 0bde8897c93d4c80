"""How many tokens of a group's lines a prompt may have, and chunks of so many."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from tokenizers import Tokenizer

from sparkllm.client import EngineSettings
from sparkllm.tasks import CallError
from sparkllm.tasks.prompt import Literal
from sparkllm.worker.groups.lines import Line, packed
from sparkllm.worker.model_files import context_of, tokenizer_of
from sparkllm.worker.question import Question

# What the model's chat template may add to a prompt, and tokenizing it whole to its lines.
_MARGIN = 64
# Longer prompts cost more than further ones: attention is quadratic.
_MOST = 4096
_LEAST = 32
_UNKNOWN_CONTEXT = 2048
_BYTES_OF_TOKEN = 3


@dataclass(frozen=True, slots=True)
class Chunking:
    """Cuts lines into chunks that fit a prompt, by the tokens that the model's tokenizer counts.

    Where no tokenizer can be read, as of a remote service, tokens are estimated, rather too many
    than too few.

    Attributes:
        tokenizer: of the model, None to estimate.
        most: tokens of the lines of a prompt.
    """

    tokenizer: Tokenizer | None
    most: int

    @classmethod
    def of(cls, question: Question, settings: EngineSettings) -> "Chunking":
        """Return how the lines for a question are cut."""
        tokenizer = _tokenizer(settings)
        heads = [head_of(question, combining=late) for late in (False, True)]
        fixed = max(_counts(tokenizer, heads)) + question.max_tokens + _MARGIN
        room = _context(settings) - fixed
        wanted = question.prompt.chunk_tokens or _MOST
        return cls(tokenizer, max(_LEAST, min(room, wanted)))

    def values(self, lines: Sequence[Line]) -> list[list[Line]]:
        """Return chunks of values; a text that is too long for one is in parts."""
        while True:
            counts = self.counts(lines)
            parted = [self._parted(line, count) for line, count in zip(lines, counts, strict=True)]
            if all(len(parts) == 1 for parts in parted):
                return packed(lines, counts, self.most, 1)
            lines = [part for parts in parted for part in parts]

    def answers(self, lines: Sequence[Line]) -> list[list[Line]]:
        """Return chunks of answers, at least two in each, so that there are fewer each time."""
        return packed(lines, self.counts(lines), self.most, 2)

    def counts(self, lines: Sequence[Line]) -> list[int]:
        """Return the tokens of each line."""
        return _counts(self.tokenizer, [line.text for line in lines])

    def _parted(self, line: Line, tokens: int) -> Sequence[Line]:
        return (line.halves() if tokens > self.most else None) or (line,)


def head_of(question: Question, *, combining: bool) -> str:
    """Return what stands before the lines of a prompt."""
    parts = question.prompt.combining if combining else question.prompt.head
    return "".join(part.text for part in parts if isinstance(part, Literal))


def _tokenizer(settings: EngineSettings) -> Tokenizer | None:
    if settings.remote is not None:
        return None
    with suppress(CallError):
        return tokenizer_of(settings.model)
    return None


def _context(settings: EngineSettings) -> int:
    if settings.max_model_length:
        return settings.max_model_length
    if settings.remote is None:
        with suppress(CallError):
            return context_of(settings.model)
    return _UNKNOWN_CONTEXT


def _counts(tokenizer: Tokenizer | None, texts: Sequence[str]) -> list[int]:
    if tokenizer is None:
        return [len(text.encode()) // _BYTES_OF_TOKEN + 1 for text in texts]
    encoded = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
    return [len(encoding.ids) for encoding in encoded]
