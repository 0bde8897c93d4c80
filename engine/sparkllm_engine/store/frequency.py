"""How often keys were asked for lately, counted in a few bytes a key.

A count-min sketch whose counters are halved from time to time: Einziger, Friedman and Manes,
"TinyLFU: A Highly Efficient Cache Admission Policy", ACM Transactions on Storage 13 (2017), §3.
"""

from collections.abc import Sequence

import numpy as np

_ROWS = 4
_MOST = 15
_WIDTH = 4  # counters of a row for each key
_SAMPLE = 10  # questions for each key, after which all counters are halved


class FrequencySketch:
    """Counts of keys, never too low, seldom too high, at most 15. Not thread-safe.

    Args:
        keys: how many different keys should hardly disturb each other.
    """

    def __init__(self, keys: int) -> None:
        self._width = 1 << max(6, int(_WIDTH * keys - 1).bit_length())
        self._counters = np.zeros((_ROWS, self._width), np.uint8)
        self._rows = np.arange(_ROWS)[:, None]
        self._asked = 0

    def add(self, keys: Sequence[bytes]) -> None:
        """Count a question for each key; keys are digests of at least 24 bytes."""
        places = self._places(keys)
        counts = self._counters[self._rows, places]
        least = np.minimum(counts.min(axis=0) + 1, _MOST)
        self._counters[self._rows, places] = np.maximum(counts, least)
        self._asked += len(keys)
        if self._asked >= _SAMPLE * self._width // _WIDTH:
            self._counters >>= 1
            self._asked //= 2

    def count(self, key: bytes) -> int:
        """Return how often the key was asked for."""
        last = self._width - 1
        return min(
            int(
                self._counters[
                    row, int.from_bytes(key[8 + 4 * row : 12 + 4 * row], "little") & last
                ]
            )
            for row in range(_ROWS)
        )

    def _places(self, keys: Sequence[bytes]) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
        digests = np.frombuffer(b"".join(key[8:24] for key in keys), "<u4")
        return (digests.reshape(-1, _ROWS).T & np.uint32(self._width - 1)).astype(np.int64)
