"""Which requests may be in the engine together, so that one that breaks it is found.

A request that was in the engine when a step raised, or when the process died, is suspected: it goes
with fewer others the next time, and then alone.

    backlog ──► plain ──────────────┐
           └──► suspected once  ────┼─► turn: one kind at a time in the engine
           └──► suspected again ────┘
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from sparkllm_engine.request import Request

_ROWS_TOGETHER = (512, 32, 1)
_ROWS_A_TURN = (2048, 512, 32)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A request and the key by which it is known again."""

    request: Request
    key: bytes


@dataclass(slots=True)
class _Kind:
    together: int
    a_turn: int
    waiting: deque[Candidate] = field(default_factory=deque)


class Company:
    """The requests that wait for the engine, and how many of them it may have at once.

    Args:
        failures: how often the engine failed with a request, by its key.
        together: how many requests that nobody suspects may be in the engine.
    """

    def __init__(self, failures: dict[bytes, int], together: int = _ROWS_TOGETHER[0]) -> None:
        self._failures = failures
        self._kinds = [
            _Kind(min(together, most), a_turn)
            for most, a_turn in zip(_ROWS_TOGETHER, _ROWS_A_TURN, strict=True)
        ]
        self._turn = 0
        self._left = _ROWS_A_TURN[0]

    def __bool__(self) -> bool:
        """Whether a request waits."""
        return any(kind.waiting for kind in self._kinds)

    def wait(self, candidates: Sequence[Candidate]) -> None:
        """Have requests wait for their turn."""
        if not self._failures:
            self._kinds[0].waiting.extend(candidates)
            return
        for candidate in candidates:
            failures = self._failures.get(candidate.key, 0)
            self._kinds[min(failures, len(self._kinds) - 1)].waiting.append(candidate)

    def next(self, inside: int, is_wanted: Callable[[int], bool]) -> list[Candidate]:
        """Return the requests that enter now, where `inside` are in the engine already."""
        if not inside and self._is_over():
            self._pass_turn()
        kind = self._kinds[self._turn]
        entering: list[Candidate] = []
        while kind.waiting and inside + len(entering) < kind.together and not self._spent():
            candidate = kind.waiting.popleft()
            if is_wanted(candidate.request.id):
                entering.append(candidate)
                self._left -= 1
        return entering

    def suspect(self, candidates: Iterable[Candidate]) -> None:
        """Note that the engine failed with these requests in it, and have them wait again."""
        candidates = list(candidates)
        for candidate in candidates:
            self._failures[candidate.key] = self._failures.get(candidate.key, 0) + 1
        self.wait(candidates)

    def clear(self, keys: Iterable[bytes]) -> None:
        """Note that the engine is done with requests: they are suspected no more."""
        if self._failures:
            for key in keys:
                self._failures.pop(key, None)

    def waiting(self) -> set[int]:
        """Return the ids of the requests that wait."""
        return {one.request.id for kind in self._kinds for one in kind.waiting}

    def _others_wait(self) -> bool:
        return any(kind.waiting for number, kind in enumerate(self._kinds) if number != self._turn)

    def _spent(self) -> bool:
        return self._left <= 0 and self._others_wait()

    def _is_over(self) -> bool:
        return not self._kinds[self._turn].waiting or self._spent()

    def _pass_turn(self) -> None:
        for step in range(1, len(self._kinds) + 1):
            turn = (self._turn + step) % len(self._kinds)
            if self._kinds[turn].waiting:
                self._turn = turn
                self._left = self._kinds[turn].a_turn
                return
