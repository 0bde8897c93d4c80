"""A closed answer set as a token tree, scored in the forward pass of the prompt."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray


@dataclass(slots=True)
class _Node:
    depth: int
    children: "dict[int, _Node]" = field(default_factory=dict)
    choices: list[int] = field(default_factory=list)

    def needs_forward(self) -> bool:
        return len(self.children) > 1 or any(
            child.needs_forward() for child in self.children.values()
        )


@dataclass(frozen=True, slots=True)
class Branch:
    """A point where the choices part.

    Attributes:
        source: tail token after which they part, -1 for the last token of the prompt.
        columns: of `ChoiceTree.token_ids`, the tokens that may follow.
    """

    source: int
    columns: NDArray[np.int64]


class ChoiceTree:
    """The choices as paths of tokens, each closed by the end token.

    The probability of a choice is that of drawing it token by token when only tokens that lead to
    some choice are allowed: a product over the points where choices part. Tokens in between are
    certain and cost nothing; only tokens on the way to a later parting are computed, behind the
    prompt, each seeing the prompt and its own ancestors. The end token makes a choice that is
    a prefix of another compete with it.

    Attributes:
        tail: `[m]`, token ids to compute behind the prompt.
        depths: `[m]`, distance of each from the last token of the prompt, from 1.
        visible: `[m, m]`, whether a tail token (row) sees another (column): itself and ancestors.
        token_ids: `[u]`, tensor of the tokens whose logits are wanted, anywhere in the tree.
        branches: where choices part, none when there is but one.
    """

    def __init__(self, choices: Sequence[Sequence[int]], end_token: int) -> None:
        self._tail: list[tuple[int, int, int]] = []
        self.branches: list[Branch] = []
        self._leads: list[list[int]] = []
        self._columns: dict[int, int] = {}
        root = _trie(choices, end_token)
        self._visit(root, source=-1)
        self.tail = np.array([token for token, _, _ in self._tail], np.int32)
        self.depths = np.array([depth for _, depth, _ in self._tail], np.int64)
        self.visible = _visibility([parent for _, _, parent in self._tail])
        self.token_ids = torch.tensor(list(self._columns), dtype=torch.int64)
        self._membership = np.zeros((len(self._leads), len(choices)))
        for row, leaves in enumerate(self._leads):
            self._membership[row, leaves] = 1.0
        self._lengths = np.array([len(tokens) + 1 for tokens in choices])
        shares = np.zeros(len(choices))
        for leaves in _leaves(root):
            shares[leaves] = -np.log(len(leaves))
        self._shares = shares

    def probabilities(
        self, logits: NDArray[np.float32], length_normalized: bool = False
    ) -> NDArray[np.float64]:
        """Return the probability of each choice.

        Args:
            logits: `[rows, branches, u]`, at the source of each branch.
            length_normalized: take the geometric mean of a choice's tokens, its end token among
                them, instead of the product.

        Returns:
            `[rows, choices]`, rows sum to 1.
        """
        parts = []
        for index, branch in enumerate(self.branches):
            scores = logits[:, index, branch.columns].astype(np.float64)
            scores -= scores.max(axis=1, keepdims=True)
            parts.append(scores - np.log(np.exp(scores).sum(axis=1, keepdims=True)))
        if not parts:
            logarithms = np.broadcast_to(self._shares, (len(logits), len(self._shares)))
        else:
            logarithms = np.concatenate(parts, axis=1) @ self._membership + self._shares
        if length_normalized:
            logarithms = logarithms / self._lengths
        likely = np.exp(logarithms)
        return np.asarray(likely / likely.sum(axis=1, keepdims=True))

    def _visit(self, node: _Node, source: int) -> None:
        if len(node.children) > 1:
            columns = [
                self._columns.setdefault(token, len(self._columns)) for token in node.children
            ]
            self.branches.append(Branch(source, np.array(columns, np.int64)))
            self._leads.extend(list(_below(child)) for child in node.children.values())
        for token, child in node.children.items():
            if child.needs_forward():
                self._tail.append((token, child.depth, source))
                self._visit(child, source=len(self._tail) - 1)


def _trie(choices: Sequence[Sequence[int]], end_token: int) -> _Node:
    root = _Node(depth=0)
    for index, tokens in enumerate(choices):
        node = root
        for token in (*tokens, end_token):
            node = node.children.setdefault(token, _Node(node.depth + 1))
        node.choices.append(index)
    return root


def _below(node: _Node) -> Iterable[int]:
    yield from node.choices
    for child in node.children.values():
        yield from _below(child)


def _leaves(node: _Node) -> Iterable[list[int]]:
    if node.choices:
        yield node.choices
    for child in node.children.values():
        yield from _leaves(child)


def _visibility(parents: Sequence[int]) -> NDArray[np.bool_]:
    visible = np.eye(len(parents), dtype=np.bool_)
    for index, parent in enumerate(parents):
        if parent >= 0:
            visible[index] |= visible[parent]
    return visible
