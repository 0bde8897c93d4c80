"""How long something was busy, where what kept it busy overlaps."""

from bisect import bisect_left
from dataclasses import dataclass, field


@dataclass(slots=True)
class BusyTime:
    """Spans of time, joined where they overlap."""

    _spans: list[tuple[float, float]] = field(default_factory=list)

    def add(self, start: float, end: float) -> None:
        """Note that it was busy from `start` to `end`, in seconds of one clock."""
        first = bisect_left(self._spans, start, key=lambda span: span[1])
        last = first
        while last < len(self._spans) and self._spans[last][0] <= end:
            start, end = min(start, self._spans[last][0]), max(end, self._spans[last][1])
            last += 1
        self._spans[first:last] = [(start, end)]

    @property
    def seconds(self) -> float:
        """How long it was busy."""
        return sum(end - start for start, end in self._spans)
