"""Slots of the key and value pool, given out in contiguous runs."""

from bisect import bisect_left

# Runs looked at for one that holds a whole request before the request is cut over several.
_LOOK_AT = 64


class SlotAllocator:
    """Gives out `total` slots from `first` on as few contiguous runs, and joins what comes back.

    A slot holds the keys and values of one token in every layer. Runs are searched from where the
    last search ended (next fit): the cache evicts in roughly the order it allocated, so free runs
    join and the search stays short.
    """

    def __init__(self, total: int, first: int = 0) -> None:
        self.total = total
        self.free = total
        self._starts: list[int] = [first] if total else []
        self._stops: dict[int, int] = {first: first + total} if total else {}
        self._cursor = 0

    def allocate(self, count: int) -> list[range] | None:
        """Return runs that hold `count` slots together, or None when fewer are free."""
        if count > self.free:
            return None
        runs = []
        while count:
            index = self._find(count)
            start = self._starts[index]
            run = range(start, min(self._stops[start], start + count))
            self._take(index, run)
            count -= len(run)
            runs.append(run)
        return runs

    def release(self, run: range) -> None:
        """Take back a run, or a part of one, that was given out."""
        start, stop = run.start, run.stop
        self.free += len(run)
        index = bisect_left(self._starts, start)
        if index < len(self._starts) and self._starts[index] == stop:
            stop = self._stops.pop(self._starts.pop(index))
        if index and self._stops[self._starts[index - 1]] == start:
            self._stops[self._starts[index - 1]] = stop
        else:
            self._starts.insert(index, start)
            self._stops[start] = stop

    def _find(self, count: int) -> int:
        runs = len(self._starts)
        first = self._cursor % runs
        for step in range(min(runs, _LOOK_AT)):
            index = (first + step) % runs
            start = self._starts[index]
            if self._stops[start] - start >= count:
                return index
        return first

    def _take(self, index: int, run: range) -> None:
        stop = self._stops.pop(run.start)
        self.free -= len(run)
        self._cursor = index
        if run.stop == stop:
            del self._starts[index]
        else:
            self._starts[index] = run.stop
            self._stops[run.stop] = stop
