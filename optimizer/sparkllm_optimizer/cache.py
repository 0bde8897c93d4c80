"""A simulator of the engine's radix cache of token prefixes."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(eq=False, slots=True)
class _Node:
    tokens: tuple[int, ...]
    parent: "_Node | None"
    used: int
    children: dict[tuple[int, ...], "_Node"] = field(default_factory=dict)


class RadixCache:
    """Prefixes of served prompts in whole pages, the least recently used leaves evicted first.

    `budget` is the room in tokens (None: no bound), `page` the tokens of a page. At least one token
    of a prompt is always computed. The rules are those of RadixAttention (arXiv 2312.07104): a
    match splits a node, only leaves are evicted, and a prompt in service is never evicted.
    """

    def __init__(self, budget: int | None = None, page: int = 1) -> None:
        self._budget = budget
        self._page = page
        self._clock = 0
        self._root = _Node((), None, 0)
        self._leaves: list[tuple[int, int, _Node]] = []
        self._pushed = 0
        self.size = 0

    def serve(self, tokens: Sequence[int]) -> int:
        """Serve a prompt: return how many of its tokens the cache had, and keep its prefix."""
        prompt = tuple(tokens)
        self._clock += 1
        node, matched = self._match(prompt)
        limit = (len(prompt) - 1) // self._page * self._page
        whole = len(prompt) // self._page * self._page
        if whole > matched:
            leaf = _Node(prompt[matched:whole], node, self._clock)
            node.children[self._key(prompt, matched)] = leaf
            self.size += whole - matched
            node = leaf
        self._remember(node)
        self._evict(node)
        return max(0, min(matched, limit))

    def _key(self, tokens: tuple[int, ...], start: int) -> tuple[int, ...]:
        return tokens[start : start + self._page]

    def _match(self, prompt: tuple[int, ...]) -> tuple[_Node, int]:
        node, matched = self._root, 0
        while True:
            child = node.children.get(self._key(prompt, matched))
            if child is None:
                return node, matched
            child.used = self._clock
            common = _common(child.tokens, prompt[matched : matched + len(child.tokens)])
            common -= common % self._page
            matched += common
            if common < len(child.tokens):
                return self._split(child, common), matched
            node = child

    def _split(self, node: _Node, length: int) -> _Node:
        parent = node.parent
        assert parent is not None
        upper = _Node(node.tokens[:length], parent, self._clock)
        parent.children[self._key(node.tokens, 0)] = upper
        node.tokens = node.tokens[length:]
        node.parent = upper
        upper.children[self._key(node.tokens, 0)] = node
        # The lower part isn't used by this prompt, but it was touched as in the engine.
        self._remember(node)
        return upper

    def _remember(self, node: _Node) -> None:
        if node is not self._root and not node.children:
            self._pushed += 1
            heapq.heappush(self._leaves, (node.used, self._pushed, node))

    def _evict(self, in_service: _Node) -> None:
        kept: tuple[int, int, _Node] | None = None
        while self._budget is not None and self.size > self._budget and self._leaves:
            used, order, node = heapq.heappop(self._leaves)
            if node.children or node.parent is None or node.used != used:
                continue
            if node is in_service:
                kept = (used, order, node)
                continue
            parent = node.parent
            del parent.children[self._key(node.tokens, 0)]
            node.parent = None
            self.size -= len(node.tokens)
            self._remember(parent)
        if kept:
            heapq.heappush(self._leaves, kept)


def _common(left: tuple[int, ...], right: tuple[int, ...]) -> int:
    if left == right:
        return len(left)
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[:middle] == right[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
