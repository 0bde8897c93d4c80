"""The next tokens of generated answers, and which answers end with them."""

from array import array
from dataclasses import dataclass

import torch
from torch import Tensor

from sparkllm_engine.decoding import Draw, GrammarCompiler, draw_tokens
from sparkllm_engine.decoding.logprobs import token_logprobs
from sparkllm_engine.decoding.stopping import stopped_text
from sparkllm_engine.request import TokenLogprob
from sparkllm_engine.scheduling import Sequence
from sparkllm_engine.tokenization import PromptTokenizer


@dataclass(frozen=True, slots=True)
class Ended:
    """An answer that ends, with its finish reason; `text` is None when its grammar failed."""

    sequence: Sequence
    reason: str
    text: str | None
    error: str = ""
    probabilities: tuple[float, ...] = ()
    embedding: "array[float] | None" = None


class Generation:
    """Turns logits into tokens of answers.

    Args:
        tokenizer: of the model.
        end_tokens: token ids that end an answer.
        grammars: of the model.
    """

    def __init__(
        self, tokenizer: PromptTokenizer, end_tokens: frozenset[int], grammars: GrammarCompiler
    ) -> None:
        self._tokenizer = tokenizer
        self._end_tokens = end_tokens
        self._grammars = grammars

    @torch.inference_mode()
    def advance(self, sequences: list[Sequence], logits: Tensor) -> list[Ended]:
        """Draw a token for each sequence, and return the answers that end.

        Args:
            sequences: whose last known token the logits follow.
            logits: `[rows, vocabulary]`, changed in place.
        """
        self._restrict(sequences, logits)
        draws = [Draw(s.request.parameters, s.output_length) for s in sequences]
        tokens = draw_tokens(logits, draws)
        self._note_logprobs(sequences, logits, tokens)
        appended = map(self._append, sequences, tokens)
        return [ended for ended in appended if ended is not None]

    def force(self, sequence: Sequence) -> Ended | None:
        """Append what must follow by the sequence's grammar; return the answer if it ends."""
        assert sequence.grammar is not None
        forced = sequence.grammar.take_forced()
        fitting = forced[: sequence.limit - sequence.known]
        for token in fitting:
            sequence.append(token)
        if sequence.request.parameters.logprobs is not None:
            text_of = self._tokenizer.token_text
            sequence.logprobs += [TokenLogprob(token, text_of(token), 0.0) for token in fitting]
        return self._end(sequence, 1 + len(fitting), cut=len(fitting) < len(forced))

    def _restrict(self, sequences: list[Sequence], logits: Tensor) -> None:
        grammars = {i: s.grammar for i, s in enumerate(sequences) if s.grammar is not None}
        if grammars:
            self._grammars.restrict(logits, grammars)
        early = [
            row
            for row, sequence in enumerate(sequences)
            if sequence.output_length < sequence.request.parameters.min_tokens
            and sequence.grammar is None
        ]
        if early and self._end_tokens:
            ends = [[token] for token in sorted(self._end_tokens) if token < logits.shape[1]]
            logits[early, ends] = float("-inf")

    def _note_logprobs(self, sequences: list[Sequence], logits: Tensor, tokens: list[int]) -> None:
        rows = [i for i, s in enumerate(sequences) if s.request.parameters.logprobs is not None]
        if not rows:
            return
        noted = token_logprobs(
            logits[rows],
            [tokens[row] for row in rows],
            [sequences[row].request.parameters.logprobs or 0 for row in rows],
            self._tokenizer.token_text,
        )
        for row, logprob in zip(rows, noted, strict=True):
            if tokens[row] not in self._end_tokens:
                sequences[row].logprobs.append(logprob)

    def _append(self, sequence: Sequence, token: int) -> Ended | None:
        grammar = sequence.grammar
        if grammar is not None and grammar.error:
            return Ended(sequence, "error", None, grammar.error)
        if token in self._end_tokens:
            return Ended(sequence, "stop", self._text(sequence))
        sequence.append(token)
        if grammar is None:
            return self._end(sequence, 1)
        grammar.take(token)
        return self.force(sequence)

    def _end(self, sequence: Sequence, new: int, cut: bool = False) -> Ended | None:
        """Return the answer if its last `new` tokens end it; `cut` if there would be more."""
        parameters, grammar = sequence.request.parameters, sequence.grammar
        if parameters.stop:
            least, decode = parameters.min_tokens, self._tokenizer.decode
            text = stopped_text(sequence.output, new, parameters.stop, least, decode)
            if text is not None:
                return Ended(sequence, "stop", text)
        if grammar is not None and grammar.error:
            return Ended(sequence, "error", None, grammar.error)
        if grammar is not None and grammar.complete and not cut:
            return Ended(sequence, "stop", self._text(sequence))
        if sequence.known >= sequence.limit:
            return Ended(sequence, "length", self._text(sequence))
        return None

    def _text(self, sequence: Sequence) -> str:
        if sequence.grammar is None:
            return self._tokenizer.decode(sequence.output)
        return sequence.grammar.text_of(sequence.output)
