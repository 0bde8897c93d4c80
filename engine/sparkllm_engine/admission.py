"""From requests to sequences that can run, or to results that say why they can't."""

from collections.abc import Sequence as Requests

from sparkllm_engine.decoding import ChoiceTree, Grammar, GrammarCompiler, GrammarError
from sparkllm_engine.embedding.vectors import NOTHING_TO_EMBED
from sparkllm_engine.errors import RowErrorCode
from sparkllm_engine.pieces import Tokens
from sparkllm_engine.request import Request, Result
from sparkllm_engine.scheduling import Sequence
from sparkllm_engine.tokenization import PromptTokenizer

# Closed answer sets whose token trees are kept.
_TREES = 64


class Admission:
    """Tokenises requests and checks them against the limits of model and pool.

    Args:
        tokenizer: of the model.
        grammars: of the model.
        context_length: tokens of prompt and answer together that the model can take.
        pool: tokens that the pool can hold.
        scratch: tokens that the tail of a closed answer set may have.
    """

    def __init__(
        self,
        tokenizer: PromptTokenizer,
        grammars: GrammarCompiler,
        context_length: int,
        pool: int,
        scratch: int,
    ) -> None:
        self._tokenizer = tokenizer
        self._grammars = grammars
        self._context_length = context_length
        self._pool = pool
        self._scratch = scratch
        self._trees: dict[tuple[str, ...], ChoiceTree] = {}

    def encode(self, requests: Requests[Request]) -> list[Tokens | Exception]:
        """Return the tokens of each prompt, or why it has none. One thread at a time may ask."""
        encoded: dict[int, Tokens | Exception] = {}
        for embedding, encode in (
            (False, self._tokenizer.encode_prompts),
            (True, self._tokenizer.encode_texts),
        ):
            own = [i for i, r in enumerate(requests) if r.parameters.embedding is embedding]
            encoded |= zip(own, encode([requests[i].prompt for i in own]), strict=True)
        return [encoded[index] for index in range(len(requests))]

    def admit(self, request: Request, prompt: Tokens | Exception) -> Sequence | Result:
        """Return a sequence that can run, or what is wrong with the request."""
        if isinstance(prompt, Exception):
            message = f"the prompt can't be tokenised: {type(prompt).__name__}: {prompt}"
            return _error(request, RowErrorCode.INVALID_INPUT, message)
        parameters = request.parameters
        problem = parameters.problem()
        if problem:
            return _error(request, RowErrorCode.INVALID_CALL, problem)
        if parameters.embedding:
            return self._admit_embedded(request, prompt)
        return (self._admit_scored if parameters.choices else self._admit_generated)(
            request, prompt
        )

    def _admit_generated(self, request: Request, prompt: Tokens) -> Sequence | Result:
        parameters = request.parameters
        most = min(self._context_length, self._pool)
        if len(prompt) >= most:
            return self._too_long(request, len(prompt), most - 1)
        grammar: Grammar | None = None
        if parameters.regex or parameters.json_schema:
            try:
                grammar = self._grammars.start(parameters)
            except GrammarError as error:
                return _error(request, RowErrorCode.INVALID_CALL, str(error))
        limit = min(len(prompt) + parameters.max_tokens, most)
        return Sequence(request, prompt, limit, grammar=grammar)

    def _admit_scored(self, request: Request, prompt: Tokens) -> Sequence | Result:
        try:
            tree = self._tree(request.parameters.choices)
        except Exception as error:
            return _error(
                request, RowErrorCode.INVALID_CALL, f"the choices can't be tokenised: {error}"
            )
        if len(tree.tail) > self._scratch:
            message = (
                f"the choices need {len(tree.tail)} tokens beside the prompt, at most"
                f" {self._scratch} fit: give fewer or shorter ones, or raise token_budget"
            )
            return _error(request, RowErrorCode.INVALID_CALL, message)
        most = min(self._context_length - int(tree.depths.max(initial=0)), self._pool)
        if len(prompt) > most:
            return self._too_long(request, len(prompt), most)
        if tree.branches:
            return Sequence(request, prompt, len(prompt), tree)
        choices = request.parameters.choices
        chances = (1.0 / len(choices),) * len(choices)
        return Result(
            request.id, choices[0], "choice", prompt_tokens=len(prompt), probabilities=chances
        )

    def _admit_embedded(self, request: Request, prompt: Tokens) -> Sequence | Result:
        most = min(self._context_length, self._pool)
        if not len(prompt):
            return _error(request, RowErrorCode.INVALID_INPUT, NOTHING_TO_EMBED)
        if len(prompt) > most:
            return self._too_long(request, len(prompt), most)
        return Sequence(request, prompt, len(prompt))

    def _too_long(self, request: Request, length: int, most: int) -> Result:
        cause = "max_model_length" if self._context_length <= self._pool else "cache_bytes"
        message = (
            f"the prompt has {length} tokens, at most {max(most, 0)} fit ({cause}): shorten the"
            f" input, raise {cause}, or take a model with a longer context"
        )
        return Result(
            request.id,
            None,
            "error",
            RowErrorCode.OVERFLOW,
            message,
            prompt_tokens=length,
            most_tokens=max(most, 0),
        )

    def _tree(self, choices: tuple[str, ...]) -> ChoiceTree:
        tree = self._trees.get(choices)
        if tree is None:
            if len(self._trees) >= _TREES:
                del self._trees[next(iter(self._trees))]
            tokens = [self._tokenizer.encode_text(choice) for choice in choices]
            tree = self._trees[choices] = ChoiceTree(tokens, self._tokenizer.end_token)
        return tree


def _error(request: Request, code: RowErrorCode, message: str) -> Result:
    return Result(request.id, None, "error", code, message)
