"""The cache against a dictionary of prefixes."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sparkllm_engine.cache import Node, PrefixCache
from sparkllm_engine.cache.slots import SlotAllocator

TOTAL = 40
NAMESPACES = ("model", "adapter")
token_lists = st.lists(st.integers(0, 2), min_size=1, max_size=14)
# A namespace with a prefix in it.
Key = tuple[str, tuple[int, ...]]


class Held:
    """A caller that holds a path: its tokens as far as they have slots."""

    def __init__(self, space: str, node: Node, tokens: tuple[int, ...], runs: list[range]) -> None:
        self.space = space
        self.node = node
        self.tokens = tokens
        self.runs = runs

    def prefixes(self) -> set[Key]:
        return {(self.space, self.tokens[: n + 1]) for n in range(len(self.tokens))}


def prefixes_in(cache: PrefixCache) -> dict[Key, int]:
    """Return the slot of every prefix in the tree."""
    found: dict[Key, int] = {}
    for space in NAMESPACES:
        stack: list[tuple[Node, tuple[int, ...]]] = [(cache.root(space), ())]
        while stack:
            node, before = stack.pop()
            for token, slot in zip(node.tokens.tolist(), node.slots, strict=True):
                before = (*before, token)
                assert (space, before) not in found
                found[space, before] = slot
            stack += [(child, before) for child in node.children.values()]
    return found


class CacheAgainstDictionary(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.cache = PrefixCache(TOTAL, first=3)
        self.known: dict[Key, int] = {}
        self.holders: list[Held] = []

    @rule(space=st.sampled_from(NAMESPACES), tokens=token_lists)
    def acquire_and_extend(self, space: str, tokens: list[int]) -> None:
        array = np.array(tokens, np.int32)
        node, matched = self.cache.acquire(array, self.cache.root(space))
        known = [n for n in range(len(tokens) + 1) if (space, tuple(tokens[:n])) in self.known]
        assert matched == max(known, default=0)
        self.holders.append(Held(space, node, tuple(tokens[:matched]), []))
        rest = array[matched:]
        runs = self._allocate(len(rest))
        if runs is None or not len(rest):
            return
        holder = self.holders[-1]
        holder.node = self.cache.extend(node, rest, runs)
        holder.tokens = tuple(tokens)
        slots = [slot for run in runs for slot in run]
        for offset, slot in enumerate(slots):
            self.known[space, tuple(tokens[: matched + offset + 1])] = slot

    @precondition(lambda self: self.holders)
    @rule(data=st.data(), count=st.integers(1, 6))
    def take_private_slots(self, data: st.DataObject, count: int) -> None:
        runs = self._allocate(count)
        if runs is not None:
            data.draw(st.sampled_from(self.holders)).runs.extend(runs)

    @precondition(lambda self: self.holders)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        holder = data.draw(st.sampled_from(self.holders))
        self.holders.remove(holder)
        self.cache.release(holder.node, holder.runs)

    @invariant()
    def every_slot_is_in_one_place(self) -> None:
        cache = self.cache
        assert cache.free + cache.cached + cache.held == TOTAL == cache.total
        private = [slot for holder in self.holders for run in holder.runs for slot in run]
        used = private + list(prefixes_in(cache).values())
        assert len(set(used)) == len(used) == TOTAL - cache.free
        assert all(3 <= slot < 3 + TOTAL for slot in used)

    @invariant()
    def held_is_what_holders_hold(self) -> None:
        paths = set().union(*(holder.prefixes() for holder in self.holders))
        private = sum(len(run) for holder in self.holders for run in holder.runs)
        assert self.cache.held == len(paths) + private

    def _allocate(self, count: int) -> list[range] | None:
        free, cached = self.cache.free, self.cache.cached
        runs = self.cache.allocate(count)
        assert (runs is None) == (count > free + cached)
        present = prefixes_in(self.cache)
        assert present.items() <= self.known.items()
        gone = self.known.keys() - present.keys()
        assert count > free or not gone
        assert not gone & set().union(*(holder.prefixes() for holder in self.holders))
        assert all((space, p[:-1]) in present for space, p in present if len(p) > 1)
        self.known = present
        return runs


CacheAgainstDictionary.TestCase.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None
)
TestCacheAgainstDictionary = CacheAgainstDictionary.TestCase


def fill(cache: PrefixCache, *tokens: int) -> Node:
    array = np.array(tokens, np.int32)
    node, matched = cache.acquire(array, cache.root("model"))
    runs = cache.allocate(len(tokens) - matched)
    assert runs is not None
    return cache.extend(node, array[matched:], runs) if runs else node


def test_the_least_recently_used_leaf_goes_first() -> None:
    cache = PrefixCache(9)
    for tokens in ((1, 1, 1), (2, 2, 2), (3, 3, 3)):
        cache.release(fill(cache, *tokens), [])
    node, _ = cache.acquire(np.array([1, 1, 1], np.int32), cache.root("model"))
    cache.release(node, [])
    cache.allocate(3)
    leaves = {prefix for _, prefix in prefixes_in(cache) if len(prefix) == 3}
    assert leaves == {(1, 1, 1), (3, 3, 3)}


def test_a_shared_prefix_outlives_the_leaves_behind_it() -> None:
    cache = PrefixCache(6)
    cache.release(fill(cache, 7, 7, 1, 1), [])
    cache.release(fill(cache, 7, 7, 2, 2), [])
    cache.allocate(3)
    assert ("model", (7, 7)) in prefixes_in(cache)


def test_slots_join_again_when_all_came_back() -> None:
    allocator = SlotAllocator(100)
    taken = [run for _ in range(20) for run in allocator.allocate(5) or []]
    for run in taken[::2] + taken[1::2]:
        allocator.release(run)
    assert allocator.allocate(100) == [range(100)]


def test_a_cut_up_pool_still_gives_out_all_it_has() -> None:
    allocator = SlotAllocator(30)
    taken = [run for _ in range(10) for run in allocator.allocate(3) or []]
    for run in taken[::2]:
        allocator.release(run)
    runs = allocator.allocate(15)
    assert runs is not None
    assert sorted(slot for run in runs for slot in run) == [s for r in taken[::2] for s in r]
    assert allocator.allocate(1) is None
