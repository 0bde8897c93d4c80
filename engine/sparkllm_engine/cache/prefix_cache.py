"""What the scheduler asks of the cache: match, allocate, extend, release."""

from collections.abc import Hashable

from sparkllm_engine.cache.radix_tree import Node, RadixTree, Tokens
from sparkllm_engine.cache.slots import SlotAllocator


class PrefixCache:
    """Slots of the pool, each free, cached in the tree, or held by a running request.

    `free + cached + held == total` after every call; held slots are the locked part of the tree and
    what requests allocated for themselves. Sizes are in tokens.
    """

    def __init__(self, total: int, first: int = 0) -> None:
        self._first = first
        self._slots = SlotAllocator(total, first)
        self._tree = RadixTree()
        self._private = 0

    @property
    def total(self) -> int:
        """Slots of the pool."""
        return self._slots.total

    @property
    def free(self) -> int:
        """Slots that hold nothing."""
        return self._slots.free

    @property
    def cached(self) -> int:
        """Slots that may be evicted."""
        return self._tree.cached

    @property
    def held(self) -> int:
        """Slots that running requests use."""
        return self._tree.locked + self._private

    def root(self, namespace: Hashable) -> Node:
        """Return where every path of a namespace, a model with its adapter, starts."""
        return self._tree.root(namespace)

    def acquire(self, tokens: Tokens, node: Node) -> tuple[Node, int]:
        """Follow `tokens` below the held `node` and hold the path that is known already.

        Returns:
            The node that the caller now holds instead of `node`, and the tokens matched.
        """
        found, matched = self._tree.match(tokens, node)
        if matched:
            self._tree.lock(found)
            self._tree.unlock(node)
        return found, matched

    def allocate(self, count: int) -> list[range] | None:
        """Return runs of `count` slots for the caller alone, evicting if need be, or None."""
        missing = count - self._slots.free
        if missing > self._tree.cached:
            return None
        if missing > 0:
            for run in self._tree.evict(missing):
                self._slots.release(run)
        runs = self._slots.allocate(count)
        if runs is not None:
            self._private += count
        return runs

    def extend(self, node: Node, tokens: Tokens, runs: list[range]) -> Node:
        """Hand allocated slots to the tree as the continuation of the held `node`.

        The caller holds the returned node instead of `node`.
        """
        done = 0
        for run in runs:
            node = self._tree.extend(node, tokens[done : done + len(run)], run)
            done += len(run)
        self._private -= done
        return node

    def release(self, node: Node, runs: list[range]) -> None:
        """Stop holding `node`, and free slots that never went to the tree."""
        self._tree.unlock(node)
        self.give_back(runs)

    def give_back(self, runs: list[range]) -> None:
        """Free allocated slots that never went to the tree."""
        for run in runs:
            self._slots.release(run)
            self._private -= len(run)

    def clear(self) -> None:
        """Forget everything, held or not: what was computed is not to be trusted."""
        self._slots = SlotAllocator(self._slots.total, self._first)
        self._tree = RadixTree()
        self._private = 0
