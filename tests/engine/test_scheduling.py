"""The step loop without a model: slots hold prefixes, and every token must see its own."""

from collections.abc import Sequence as Rows

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparkllm_engine.cache import PrefixCache
from sparkllm_engine.decoding import ChoiceTree
from sparkllm_engine.layout import lay_out
from sparkllm_engine.model import DISCARD_SLOT
from sparkllm_engine.request import Request
from sparkllm_engine.scheduling import ORDERS, Chunk, Scheduler, Sequence

FIRST = 2
LABELS = ChoiceTree([[5, 6, 7], [5, 6, 8], [5, 9]], end_token=1)
Prefix = tuple[int, ...]


class PrefixPool:
    """Stands in for keys and values: a slot remembers the prefix that was computed into it."""

    def __init__(self, cache: PrefixCache, budget: int) -> None:
        self.held: dict[int, Prefix] = {}
        self.scratch = range(FIRST + cache.total, FIRST + cache.total + budget)

    def compute(self, chunks: Rows[Chunk]) -> int:
        """Write all tokens of a step, then check what each sees; return the tokens computed."""
        rows = lay_out(chunks, self.scratch)
        written: dict[int, int] = {}
        for index, (chunk, row) in enumerate(zip(chunks, rows, strict=True)):
            tokens = chunk.sequence.tokens.tolist()
            for offset in range(chunk.length):
                slot = int(row.write_slots[offset])
                if slot != DISCARD_SLOT:
                    assert slot not in written
                    written[slot] = index
                    self.held[slot] = tuple(tokens[: chunk.start + offset + 1])
        for index, (chunk, row) in enumerate(zip(chunks, rows, strict=True)):
            tokens = chunk.sequence.tokens.tolist()
            stop = chunk.start + chunk.length
            for position, slot in enumerate(row.key_slots[:stop].tolist()):
                assert self.held[slot] == tuple(tokens[: position + 1])
            assert row.positions[: chunk.length].tolist() == list(range(chunk.start, stop))
            read = {written[slot] for slot in row.key_slots.tolist() if slot in written}
            assert read - {index} == set(row.after)
            past = [slot for run in row.runs for slot in run]
            assert past == row.key_slots[: len(past)].tolist()
            assert len(past) <= chunk.start
        return sum(row.length for row in rows)


def next_token(tokens: Rows[int]) -> int:
    """A deterministic model: the next token follows from all before it."""
    return 2 + (sum(tokens) * 7 + len(tokens)) % 5


def answer(prompt: Rows[int], count: int) -> list[int]:
    tokens = list(prompt)
    for _ in range(count):
        tokens.append(next_token(tokens))
    return tokens[len(prompt) :]


def run(scheduler: Scheduler, pool: PrefixPool, budget: int) -> list[Sequence]:
    """Step until nothing is left; return the sequences in the order they finished."""
    finished: list[Sequence] = []
    for _ in range(20_000):
        chunks = scheduler.schedule()
        if not chunks:
            break
        computed = pool.compute(chunks)
        assert computed <= budget or len(chunks) == 1
        for chunk in chunks:
            sequence = chunk.sequence
            if sequence.tree is not None:
                if chunk.scored:
                    finished.append(sequence)
                    scheduler.finish(sequence)
            elif sequence.computed == sequence.known:
                sequence.append(next_token(sequence.tokens[: sequence.known].tolist()))
                if sequence.known == sequence.limit:
                    finished.append(sequence)
                    scheduler.finish(sequence)
    assert scheduler.waiting == scheduler.running == 0
    return finished


prompts = st.lists(st.integers(2, 3), min_size=1, max_size=20)


@given(
    rows=st.lists(st.tuples(prompts, st.integers(0, 20)), max_size=20),
    budget=st.sampled_from([1, 3, 8, 64]),
    total=st.sampled_from([40, 60, 400]),
    max_running=st.sampled_from([1, 3, 100]),
    order=st.sampled_from(list(ORDERS)),
)
@settings(max_examples=300, deadline=None)
def test_every_token_sees_its_own_prefix_and_every_request_ends(
    rows: list[tuple[list[int], int]], budget: int, total: int, max_running: int, order: str
) -> None:
    cache = PrefixCache(total, FIRST)
    scheduler = Scheduler(cache, budget, max_running, ORDERS[order])
    sequences = []
    for index, (prompt, output) in enumerate(rows):
        array = np.array(prompt, np.int32)
        tree = None if output else LABELS
        sequences.append(Sequence(Request(index, ()), array, len(prompt) + output, tree))
        scheduler.add(sequences[-1])
    finished = run(scheduler, PrefixPool(cache, max(budget, len(LABELS.tail))), budget)
    assert {id(sequence) for sequence in finished} == {id(sequence) for sequence in sequences}
    assert cache.held == 0
    for sequence, (prompt, output) in zip(sequences, rows, strict=True):
        assert sequence.output == answer(prompt, output)


def start(total: int, budget: int, prompts: Rows[Rows[int]], **settings: object) -> Scheduler:
    scheduler = Scheduler(PrefixCache(total, FIRST), budget, 100, **settings)  # type: ignore[arg-type]
    for index, prompt in enumerate(prompts):
        array = np.array(prompt, np.int32)
        scheduler.add(Sequence(Request(index, ()), array, len(prompt) + 1, None))
    return scheduler


def test_a_shared_prefix_is_computed_once_even_within_a_step() -> None:
    shared = [2] * 50
    scheduler = start(1000, 200, [[*shared, 3 + index, 9] for index in range(10)])
    lengths = [chunk.length for chunk in scheduler.schedule()]
    assert lengths == [52] + [2] * 9


def test_only_requests_of_one_namespace_share_prefixes() -> None:
    scheduler = Scheduler(PrefixCache(1000, FIRST), 200, 100)
    for index, namespace in enumerate(["model", "adapter", "model"]):
        array = np.array([2] * 50, np.int32)
        scheduler.add(Sequence(Request(index, ()), array, 51, namespace=namespace))
    assert [chunk.length for chunk in scheduler.schedule()] == [50, 50, 1]


def test_a_long_prompt_is_cut_into_chunks_of_the_budget() -> None:
    scheduler = start(1000, 30, [list(range(2, 72))])
    assert [chunk.length for _ in range(3) for chunk in scheduler.schedule()] == [30, 30, 10]


def served(scheduler: Scheduler) -> list[Sequence]:
    """Run prompts only, each to its end; return the sequences in the order of their ends."""
    order = []
    while chunks := scheduler.schedule():
        for sequence in [c.sequence for c in chunks if c.sequence.computed == c.sequence.known]:
            order.append(sequence)
            scheduler.finish(sequence)
    return order


def ids(sequences: Rows[Sequence]) -> list[int]:
    return [sequence.request.id for sequence in sequences]


def test_requests_come_first_that_came_first() -> None:
    assert ids(served(start(1000, 10, [[5] * 10, [4] * 10, [6] * 10]))) == [0, 1, 2]


def test_prefix_order_goes_through_equal_prefixes_together() -> None:
    prompts = [[5, 5, 1], [4, 4, 1], [5, 5, 2], [4, 4, 2]]
    assert ids(served(start(1000, 3, prompts, order=ORDERS["prefix"]))) == [1, 3, 0, 2]


def test_a_prefix_order_hits_more_in_a_pool_that_holds_one_prefix() -> None:
    prompts = [[2 + index % 4] * 30 + [9, index] for index in range(40)]

    class Watching(Scheduler):
        hits = 0

        def finish(self, sequence: Sequence) -> None:
            self.hits += sequence.cached
            super().finish(sequence)

    def hits(order: str) -> int:
        scheduler = Watching(PrefixCache(50, FIRST), 40, 100, ORDERS[order])
        for index, prompt in enumerate(prompts):
            array = np.array(prompt, np.int32)
            scheduler.add(Sequence(Request(index, ()), array, len(prompt), None))
        served(scheduler)
        return scheduler.hits

    assert hits("prefix") >= 36 * 30 > hits("arrival")


@pytest.mark.parametrize("gone", [frozenset({0}), frozenset({1, 2}), frozenset(range(9))])
def test_dropped_requests_release_what_they_hold(gone: frozenset[int]) -> None:
    cache = PrefixCache(1000, FIRST)
    scheduler = Scheduler(cache, 20, 100)
    for index in range(9):
        array = np.array([index, *range(2, 12)], np.int32)
        scheduler.add(Sequence(Request(index, ()), array, len(array), None))
    scheduler.schedule()
    assert set(ids(scheduler.drop(gone))) == gone
    assert set(ids(served(scheduler))) == set(range(9)) - gone
    assert cache.held == 0
