"""Where records are: sorted arrays of key prefixes, 16 bytes a record.

New records make a small array; arrays of similar size are merged, so that there are about log2 of
the number of records (as in a log-structured merge tree, O'Neil et al. 1996).
"""

from collections.abc import Iterator

import numpy as np

from sparkllm_engine.store.frames import Positions, Prefixes

_POSITION_BITS = 40


class Index:
    """Positions of records by the prefix of their key. Not thread-safe.

    Prefixes need not be unique: who reads a record compares its whole key.
    """

    def __init__(self) -> None:
        self._tiers: list[tuple[Prefixes, Positions]] = []

    def __len__(self) -> int:
        return sum(len(prefixes) for prefixes, _ in self._tiers)

    def add(self, file: int, prefixes: Prefixes, positions: Positions) -> None:
        """Add records of a file, given by its number."""
        if len(prefixes) == 0:
            return
        tier = _sorted(prefixes, positions | np.int64(file << _POSITION_BITS))
        while self._tiers and len(self._tiers[-1][0]) <= 2 * len(tier[0]):
            older = self._tiers.pop()
            tier = _sorted(np.concatenate([older[0], tier[0]]), np.concatenate([older[1], tier[1]]))
        self._tiers.append(tier)

    def find(self, prefixes: Prefixes) -> Iterator[tuple[Positions, Positions, Positions]]:
        """Yield candidates until there are no more: which of `prefixes`, the file, the position.

        A prefix comes again as long as there are other records with it.
        """
        for known, locations in self._tiers:
            place = np.searchsorted(known, prefixes)
            wanted = np.arange(len(prefixes))
            while True:
                inside = place < len(known)
                wanted, place = wanted[inside], place[inside]
                same = known[place] == prefixes[wanted]
                wanted, place = wanted[same], place[same]
                if len(wanted) == 0:
                    break
                found = locations[place]
                yield wanted, found >> _POSITION_BITS, found & ((1 << _POSITION_BITS) - 1)
                place = place + 1

    def drop(self, files: set[int]) -> None:
        """Forget the records of files."""
        gone = np.array(sorted(files), np.int64)
        kept = []
        for prefixes, locations in self._tiers:
            stays = ~np.isin(locations >> _POSITION_BITS, gone)
            if stays.any():
                kept.append((prefixes[stays], locations[stays]))
        self._tiers = kept


def _sorted(prefixes: Prefixes, locations: Positions) -> tuple[Prefixes, Positions]:
    order = np.argsort(prefixes, kind="stable")
    return prefixes[order], locations[order]
