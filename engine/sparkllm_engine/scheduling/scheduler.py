"""The token budget of a step, spent on whoever runs and whoever fits."""

from collections import deque
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from typing import NamedTuple

from sparkllm_engine.cache import PrefixCache
from sparkllm_engine.scheduling.order import OrderKey, by_arrival
from sparkllm_engine.scheduling.sequence import Sequence

# Answer tokens that get slots at a time, and for which admission leaves room.
_ANSWER_RUN = 16
_ANSWER_ROOM = 64


class Chunk(NamedTuple):
    """Tokens `start .. start + length - 1` of a sequence, to be computed in this step.

    Attributes:
        discard: the tokens have slots already, of the tree: what is computed must not be written.
        scored: the chunk ends the prompt of a closed answer set, whose tail is computed with it.
    """

    sequence: Sequence
    start: int
    length: int
    discard: bool
    scored: bool

    @property
    def tail_length(self) -> int:
        """Tokens of the answer set that are computed behind the prompt."""
        tree = self.sequence.tree
        return len(tree.tail) if self.scored and tree is not None else 0

    @property
    def cost(self) -> int:
        """Tokens that this chunk takes of the budget."""
        return self.length + self.tail_length


class Scheduler:
    """Decides what each step computes.

    Running requests come first, oldest first, then waiting ones while budget, pool and
    `max_running` allow. Every chunk of a prompt enters the tree as it is scheduled: keys and values
    of all tokens of a step are written, layer by layer, before any of them is attended, so
    a request that shares a prefix hits it even within the same step, and nothing is computed twice.

    When the pool is full the youngest request is preempted: it waits again, keeps its answer so
    far, and recomputes what was evicted meanwhile. The oldest one therefore always advances;
    a request whose `limit` is within the pool can't be stuck.
    """

    def __init__(
        self,
        cache: PrefixCache,
        token_budget: int,
        max_running: int,
        order: OrderKey = by_arrival,
    ) -> None:
        self._cache = cache
        self._token_budget = token_budget
        self._max_running = max_running
        self._order = order
        self._arrivals = 0
        self._waiting: list[tuple[bytes, int, Sequence]] = []
        self._preempted: deque[Sequence] = deque()
        self._running: dict[Sequence, None] = {}

    @property
    def waiting(self) -> int:
        """Requests that hold nothing yet."""
        return len(self._waiting) + len(self._preempted)

    @property
    def running(self) -> int:
        """Requests that hold slots."""
        return len(self._running)

    def add(self, sequence: Sequence) -> None:
        """Let a sequence wait for its turn."""
        self._arrivals += 1
        heappush(self._waiting, (self._order(sequence.prompt), self._arrivals, sequence))

    def schedule(self) -> list[Chunk]:
        """Return the chunks of the next step, empty only when nothing runs or waits."""
        chunks: list[Chunk] = []
        budget = self._token_budget
        for sequence in list(self._running):
            if budget <= 0:
                return chunks
            if sequence not in self._running:
                continue
            chunk = self._chunk(sequence, budget, first=not chunks)
            if chunk is not None:
                chunks.append(chunk)
                budget -= chunk.cost
        for chunk in self._admit(budget, first=not chunks):
            chunks.append(chunk)
        return chunks

    def runs(self, sequence: Sequence) -> bool:
        """Whether the sequence holds slots."""
        return sequence in self._running

    def finish(self, sequence: Sequence) -> None:
        """Release what a running sequence holds; its prompt stays cached."""
        self._release(sequence)

    def drop(self, ids: frozenset[int]) -> list[Sequence]:
        """Forget the sequences of these requests, wherever they are, and return them."""
        dropped = [sequence for sequence in self._sequences() if sequence.request.id in ids]
        for sequence in dropped:
            if sequence in self._running:
                self._release(sequence)
        gone = set(dropped)
        self._preempted = deque(s for s in self._preempted if s not in gone)
        self._waiting = [entry for entry in self._waiting if entry[2] not in gone]
        self._waiting.sort()
        return dropped

    def restart(self, failed: Iterable[Sequence]) -> None:
        """Forget every slot and let what runs start again, each of `failed` in steps of its own."""
        for sequence in failed:
            sequence.alone = True
        self._cache.clear()
        for sequence in reversed(self._running):
            sequence.forget()
            self._preempted.appendleft(sequence)
        self._running.clear()

    def _sequences(self) -> Iterator[Sequence]:
        yield from self._running
        yield from self._preempted
        yield from (entry[2] for entry in self._waiting)

    def _admit(self, budget: int, first: bool) -> Iterator[Chunk]:
        outstanding = sum(
            max(sequence.prompt_length - sequence.reserved, 0) for sequence in self._running
        )
        while budget > 0 and self.waiting and len(self._running) < self._max_running:
            sequence = self._preempted[0] if self._preempted else self._waiting[0][2]
            if self._running and (sequence.alone or next(iter(self._running)).alone):
                return
            sequence.node = self._cache.root(sequence.namespace)
            self._hit_prefix(sequence)
            needed = sequence.prompt_length - sequence.reserved
            room = min(
                sequence.limit - sequence.prompt_length, sequence.output_length + _ANSWER_ROOM
            )
            available = self._cache.free + self._cache.cached - outstanding
            if self._running and needed + room > available:
                self._cache.release(sequence.node, [])
                sequence.forget()
                return
            if self._preempted:
                self._preempted.popleft()
            else:
                heappop(self._waiting)
            self._running[sequence] = None
            chunk = self._chunk(sequence, budget, first)
            if chunk is None:
                return
            outstanding += max(sequence.prompt_length - sequence.reserved, 0)
            budget -= chunk.cost
            first = False
            yield chunk

    def _chunk(self, sequence: Sequence, budget: int, first: bool) -> Chunk | None:
        self._hit_prefix(sequence)
        start = sequence.computed
        count = min(sequence.known - start, budget)
        scored = sequence.tree is not None and start + count == sequence.prompt_length
        if scored and sequence.tree is not None and count + len(sequence.tree.tail) > budget:
            # The tail of a closed answer set stays in one step with the last token of its prompt.
            # A step of its own may exceed the budget, so that large sets are served too.
            if not first or count > 1:
                count, scored = count - 1, False
            if not count:
                return None
        discard = start < sequence.prompt_length and sequence.reserved > start
        while not discard and not self._reserve(sequence, start + count):
            youngest = next(reversed(self._running))
            self._preempt(youngest)
            if youngest is sequence:
                return None
        sequence.computed += count
        return Chunk(sequence, start, count, discard, scored)

    def _hit_prefix(self, sequence: Sequence) -> None:
        """Advance over prompt tokens that the tree has, but leave one token to compute."""
        assert sequence.node is not None
        start = sequence.reserved
        if start >= sequence.prompt_length:
            return
        sequence.node, matched = self._cache.acquire(sequence.prompt[start:], sequence.node)
        if not matched:
            return
        sequence.place(start, _last_runs(sequence, matched))
        sequence.computed = min(sequence.reserved, sequence.known - 1)
        sequence.cached += sequence.computed - start

    def _reserve(self, sequence: Sequence, stop: int) -> bool:
        """Give slots to the tokens before `stop`; False, nothing changed, if the pool is full."""
        assert sequence.node is not None
        start = sequence.reserved
        middle = max(start, min(stop, sequence.prompt_length))
        prompt_runs = self._cache.allocate(middle - start)
        if prompt_runs is None:
            return False
        if stop > middle:
            ahead = min(sequence.limit, stop + _ANSWER_RUN - 1)
            runs = self._cache.allocate(ahead - middle) or self._cache.allocate(stop - middle)
            if runs is None:
                self._cache.give_back(prompt_runs)
                return False
            sequence.runs += runs
            sequence.place(middle, runs)
        if middle > start:
            sequence.place(start, prompt_runs)
            tokens = sequence.prompt[start:middle]
            sequence.node = self._cache.extend(sequence.node, tokens, prompt_runs)
        return True

    def _preempt(self, sequence: Sequence) -> None:
        self._release(sequence)
        self._preempted.appendleft(sequence)

    def _release(self, sequence: Sequence) -> None:
        assert sequence.node is not None
        del self._running[sequence]
        self._cache.release(sequence.node, sequence.runs)
        sequence.forget()


def _last_runs(sequence: Sequence, count: int) -> list[range]:
    """Return the slots of the last `count` tokens of the path that a sequence holds."""
    assert sequence.node is not None
    runs: list[range] = []
    node = sequence.node
    while count > 0:
        runs.append(node.slots)
        count -= len(node.slots)
        assert node.parent is not None
        node = node.parent
    return runs[::-1]
