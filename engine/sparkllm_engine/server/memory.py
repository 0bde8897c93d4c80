"""Answers that were given, within a number of bytes; the least recently used goes first."""

import sys
from collections import OrderedDict

from sparkllm_engine.request import Result

_ENTRY_BYTES = 320
_PROBABILITY_BYTES = 32
_LOGPROB_BYTES = 200


class AnswerMemory:
    """Results by key. Not thread-safe.

    Args:
        capacity: bytes, as far as Python's objects can be measured; 0 remembers nothing.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.used = 0
        self._results: OrderedDict[bytes, Result] = OrderedDict()

    def __len__(self) -> int:
        return len(self._results)

    def get(self, key: bytes) -> Result | None:
        """Return the result with this key, which thereby becomes the most recently used."""
        result = self._results.get(key)
        if result is not None:
            self._results.move_to_end(key)
        return result

    def put(self, key: bytes, result: Result) -> None:
        """Remember a result, and forget others as far as room is needed."""
        size = _size(result)
        if size > self.capacity:
            return
        before = self._results.pop(key, None)
        if before is not None:
            self.used -= _size(before)
        self._results[key] = result
        self.used += size
        while self.used > self.capacity:
            self.used -= _size(self._results.popitem(last=False)[1])


def _size(result: Result) -> int:
    logprobs = sum(1 + len(token.top) for token in result.logprobs)
    return (
        _ENTRY_BYTES
        + sys.getsizeof(result.text)
        + _PROBABILITY_BYTES * len(result.probabilities)
        + _LOGPROB_BYTES * logprobs
    )
