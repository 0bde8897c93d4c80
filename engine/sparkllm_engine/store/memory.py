"""Answers in memory, within a number of bytes, that answers asked for once don't push out.

A tenth of the bytes takes whatever comes and drops the least recently used. What is dropped there
enters the rest only in place of an answer that was asked for less often (W-TinyLFU, see
`frequency`), so that a scan of rows that never come again leaves the frequent ones.
"""

import sys
from collections import OrderedDict
from collections.abc import Sequence

from sparkllm_engine.request import Result
from sparkllm_engine.store.frequency import FrequencySketch

_ENTRY_BYTES = 320
_PROBABILITY_BYTES = 32
_LOGPROB_BYTES = 200
_NEWCOMERS = 10  # one of so many bytes


class _LeastRecentlyUsed:
    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.used = 0
        self.results: OrderedDict[bytes, Result] = OrderedDict()

    def get(self, key: bytes) -> Result | None:
        result = self.results.get(key)
        if result is not None:
            self.results.move_to_end(key)
        return result

    def put(self, key: bytes, result: Result) -> None:
        self.remove(key)
        self.results[key] = result
        self.used += _size(result)

    def remove(self, key: bytes) -> None:
        result = self.results.pop(key, None)
        if result is not None:
            self.used -= _size(result)

    def oldest(self) -> tuple[bytes, Result]:
        key = next(iter(self.results))
        return key, self.results[key]


class AnswerMemory:
    """Results by key, a digest of at least 24 bytes. Not thread-safe.

    Args:
        capacity: bytes, as far as Python's objects can be measured; 0 remembers nothing.
    """

    def __init__(self, capacity: int) -> None:
        newcomers = capacity // _NEWCOMERS
        self._newcomers = _LeastRecentlyUsed(newcomers)
        self._frequent = _LeastRecentlyUsed(capacity - newcomers)
        self._frequencies = FrequencySketch(capacity // _ENTRY_BYTES) if capacity else None

    def __len__(self) -> int:
        return len(self._newcomers.results) + len(self._frequent.results)

    @property
    def used(self) -> int:
        """Bytes of the answers held."""
        return self._newcomers.used + self._frequent.used

    def get(self, keys: Sequence[bytes]) -> list[Result | None]:
        """Return the result of each key; all of them count as asked for once more."""
        if self._frequencies is None:
            return [None] * len(keys)
        self._frequencies.add(keys)
        return [self._frequent.get(key) or self._newcomers.get(key) for key in keys]

    def put(self, key: bytes, result: Result) -> None:
        """Remember a result, as far as there is room for it beside those asked for more often."""
        if _size(result) > self._frequent.capacity:
            return
        self._frequent.remove(key)
        self._newcomers.put(key, result)
        while self._newcomers.used > self._newcomers.capacity:
            candidate, held = self._newcomers.oldest()
            self._newcomers.remove(candidate)
            if self._is_admitted(candidate, _size(held)):
                self._frequent.put(candidate, held)

    def _is_admitted(self, candidate: bytes, size: int) -> bool:
        """Whether there is room, made by dropping answers that were asked for less often."""
        frequent = self._frequent
        if frequent.used + size <= frequent.capacity:
            return True
        assert self._frequencies is not None
        count = self._frequencies.count(candidate)
        while frequent.used + size > frequent.capacity:
            victim, _ = frequent.oldest()
            if self._frequencies.count(victim) >= count:
                return False
            frequent.remove(victim)
        return True


def _size(result: Result) -> int:
    logprobs = sum(1 + len(token.top) for token in result.logprobs)
    return (
        _ENTRY_BYTES
        + sys.getsizeof(result.text)
        + _PROBABILITY_BYTES * len(result.probabilities)
        + _LOGPROB_BYTES * logprobs
        + (0 if result.embedding is None else sys.getsizeof(result.embedding))
    )
