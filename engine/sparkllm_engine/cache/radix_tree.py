"""A radix tree over token ids (RadixAttention; Zheng et al., SGLang, section 3)."""

from collections.abc import Hashable, Iterator
from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

Tokens = NDArray[np.int32]


class Node:
    """An edge of the tree with its tokens, and the contiguous slots of their keys and values.

    Attributes:
        parent: None for a root, and for a node that was evicted.
        children: by first token.
        tokens: `[length]`, of this edge alone.
        slots: one for each token.
        locks: running requests whose path goes through here.
        last_used: tick of the last match.
    """

    __slots__ = ("children", "last_used", "locks", "parent", "slots", "tokens")

    def __init__(self, parent: "Node | None", tokens: Tokens, slots: range) -> None:
        self.parent = parent
        self.children: dict[int, Node] = {}
        self.tokens = tokens
        self.slots = slots
        self.locks = 0
        self.last_used = 0

    def path(self) -> "list[Node]":
        """Return the nodes from below its root to this one."""
        nodes = []
        node = self
        while node.parent is not None:
            nodes.append(node)
            node = node.parent
        return nodes[::-1]


class RadixTree:
    """Cached token sequences as paths, each namespace with a root of its own. Sizes are in tokens.

    Keys and values depend on the weights that made them: a namespace is a model with its adapter.
    Every node is locked (some request runs on it) or cached (may be evicted once it is a leaf):
    `locked + cached` is the number of tokens in the tree. A lock covers the whole path to the root,
    so a parent has at least the locks of any child.
    """

    def __init__(self) -> None:
        self._roots: dict[Hashable, Node] = {}
        self.locked = 0
        self.cached = 0
        self._clock = 0
        self._order = 0
        self._leaves: list[tuple[int, int, Node]] = []

    def root(self, namespace: Hashable) -> Node:
        """Return where every path of a namespace starts."""
        root = self._roots.get(namespace)
        if root is None:
            root = self._roots[namespace] = Node(None, np.empty(0, np.int32), range(0))
        return root

    def match(self, tokens: Tokens, start: Node) -> tuple[Node, int]:
        """Return where the longest known prefix of `tokens` below `start` ends, and its length.

        A node that matches in part is split there, so that the match ends at a node.
        """
        node, matched = start, 0
        self._clock += 1
        while matched < len(tokens):
            child = node.children.get(int(tokens[matched]))
            if child is None:
                break
            length = _common_length(child.tokens, tokens[matched:])
            node = child if length == len(child.tokens) else self._split(child, length)
            node.last_used = self._clock
            matched += length
            if node is not child:
                break
        return node, matched

    def extend(self, node: Node, tokens: Tokens, slots: range) -> Node:
        """Add `tokens` as a new leaf below `node`, locked once, and return it."""
        assert len(tokens) == len(slots) and int(tokens[0]) not in node.children
        leaf = Node(node, tokens, slots)
        leaf.locks = 1
        leaf.last_used = self._clock
        node.children[int(tokens[0])] = leaf
        self.locked += len(slots)
        return leaf

    def lock(self, node: Node) -> None:
        """Keep the path to `node` from eviction until `unlock`."""
        for step in _upwards(node):
            if step.locks == 0:
                self.cached -= len(step.slots)
                self.locked += len(step.slots)
            step.locks += 1

    def unlock(self, node: Node) -> None:
        """Undo one `lock` of the path to `node`."""
        for step in _upwards(node):
            assert step.locks > 0
            step.locks -= 1
            if step.locks == 0:
                self.locked -= len(step.slots)
                self.cached += len(step.slots)
                self._offer(step)

    def evict(self, count: int) -> list[range]:
        """Remove the least recently used unlocked leaves, whole, until they held `count` slots."""
        freed: list[range] = []
        done = 0
        while done < count and self._leaves:
            last_used, _, leaf = heappop(self._leaves)
            if leaf.parent is None or leaf.locks or leaf.children or leaf.last_used != last_used:
                continue
            parent = leaf.parent
            del parent.children[int(leaf.tokens[0])]
            leaf.parent = None
            done += len(leaf.slots)
            freed.append(leaf.slots)
            self._offer(parent)
        self.cached -= done
        return freed

    def _split(self, node: Node, length: int) -> Node:
        """Put a new parent with the first `length` tokens above `node`.

        `node` keeps its identity and its tail, so that whoever holds it locked still does.
        """
        assert node.parent is not None
        upper = Node(node.parent, node.tokens[:length], node.slots[:length])
        upper.locks = node.locks
        upper.last_used = node.last_used
        upper.children[int(node.tokens[length])] = node
        node.parent.children[int(node.tokens[0])] = upper
        node.parent = upper
        node.tokens = node.tokens[length:]
        node.slots = node.slots[length:]
        return upper

    def _offer(self, node: Node) -> None:
        """Remember `node` for eviction if it can be evicted; stale entries are skipped later."""
        if node.parent is None or node.locks or node.children:
            return
        self._order += 1
        heappush(self._leaves, (node.last_used, self._order, node))
        if len(self._leaves) > 1024 and len(self._leaves) > 4 * max(self.cached, 1):
            self._leaves = [
                entry
                for entry in self._leaves
                if entry[2].parent is not None and entry[2].last_used == entry[0]
            ]
            heapify(self._leaves)


def _upwards(node: Node) -> Iterator[Node]:
    while node.parent is not None:
        yield node
        node = node.parent


def _common_length(a: Tokens, b: Tokens) -> int:
    length = min(len(a), len(b))
    differs = a[:length] != b[:length]
    first = int(differs.argmax())
    return first if differs[first] else length
