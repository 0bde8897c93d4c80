"""A request on its way, as counters."""

from collections.abc import Hashable

import numpy as np
from numpy.typing import NDArray

from sparkllm_engine.cache import Node
from sparkllm_engine.decoding.choices import ChoiceTree
from sparkllm_engine.decoding.grammar import Grammar
from sparkllm_engine.request import Request, TokenLogprob


class Sequence:
    """A request with its tokens, how far they are computed, and the slots that hold them.

        tokens  | prompt ............................ | answer so far | room |
        slots   | of the radix tree, held by `node` . | own runs .... |
                0 ........ cached .... computed ..... known

    `computed` catches up with `known`: by prefix hits, chunks of the prompt and single answer
    tokens alike. When they meet, the next answer token is chosen and `known` grows.

    Attributes:
        prompt_length: tokens of the prompt with its chat template.
        limit: tokens of prompt and answer at most.
        known: tokens there are.
        computed: tokens whose keys and values are in their slots once the step under way is done.
        cached: prompt tokens that never had to be computed.
        reserved: tokens that have a slot.
        node: end of the path in the tree that this request holds, None while it waits.
        runs: slots outside the tree.
        tree: the closed answer set, None for generated answers.
        grammar: what a generated answer follows, as far as its tokens are known; None for nothing.
        namespace: whose prefixes it may share, a model with its adapter; None for the model alone.
        logprobs: of the answer tokens, if they were asked for.
        alone: no other request may share its steps, because one that did failed.
    """

    __slots__ = (
        "alone",
        "cached",
        "computed",
        "grammar",
        "known",
        "limit",
        "logprobs",
        "namespace",
        "node",
        "prompt_length",
        "request",
        "reserved",
        "runs",
        "slots",
        "tokens",
        "tree",
    )

    def __init__(
        self,
        request: Request,
        prompt: NDArray[np.int32],
        limit: int,
        tree: ChoiceTree | None = None,
        *,
        grammar: Grammar | None = None,
        namespace: Hashable = None,
    ) -> None:
        self.request = request
        self.prompt_length = len(prompt)
        self.limit = limit
        self.tree = tree
        self.grammar = grammar
        self.namespace = namespace
        self.logprobs: list[TokenLogprob] = []
        self.alone = False
        self.known = len(prompt)
        self.tokens = prompt
        self.slots = np.empty(len(prompt), np.int32)
        self.runs: list[range] = []
        self.node: Node | None = None
        self.computed = self.cached = self.reserved = 0

    @property
    def prompt(self) -> NDArray[np.int32]:
        """Token ids of the prompt."""
        return self.tokens[: self.prompt_length]

    @property
    def output_length(self) -> int:
        """Answer tokens generated so far."""
        return self.known - self.prompt_length

    @property
    def output(self) -> list[int]:
        """Answer token ids generated so far."""
        tokens: list[int] = self.tokens[self.prompt_length : self.known].tolist()
        return tokens

    def append(self, token: int) -> None:
        """Add an answer token."""
        self.tokens = _with_room(self.tokens, self.known + 1)
        self.tokens[self.known] = token
        self.known += 1

    def place(self, start: int, runs: list[range]) -> None:
        """Note the slots of the tokens from `start` on."""
        self.slots = _with_room(self.slots, start + sum(map(len, runs)))
        for run in runs:
            self.slots[start : start + len(run)] = np.arange(run.start, run.stop, dtype=np.int32)
            start += len(run)
        self.reserved = max(self.reserved, start)

    def forget(self) -> None:
        """Go back to the start, with nothing held; the answer so far stays known."""
        self.node = None
        self.runs = []
        self.computed = self.cached = self.reserved = 0


def _with_room(array: NDArray[np.int32], length: int) -> NDArray[np.int32]:
    if length <= len(array):
        return array
    return np.concatenate((array, np.empty(max(length - len(array), len(array) // 2), np.int32)))
