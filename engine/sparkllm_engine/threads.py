"""Threads of the forward pass."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import local
from typing import TypeVar

import torch

T = TypeVar("T")

# Multiplications in a step below which another thread costs more in waiting than it does.
_THREAD_WORK = 1 << 25

_known = local()


def use_threads(count: int) -> None:
    """Let the torch operations of the calling thread use this many threads."""
    if not getattr(_known, "used", False):
        # The first parallel operation of a thread would set its number of threads again.
        torch.zeros(1 << 16).add_(1)
        _known.used = True
    if torch.get_num_threads() != count:
        torch.set_num_threads(count)


class WorkerThreads:
    """Runs the parts of a step side by side, each part on one thread.

    Args:
        count: threads at most.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._executor = ThreadPoolExecutor(max(count - 1, 1), thread_name_prefix="sparkllm")

    def run(self, parts: list[Callable[[], T]], work: int) -> list[T]:
        """Return what each part returns.

        Args:
            parts: at most `count`; a lone one gets the threads that its operations can use.
            work: multiplications of all parts together.
        """
        if len(parts) == 1:
            use_threads(max(1, min(self.count, work // _THREAD_WORK)))
            return [parts[0]()]
        others = [self._executor.submit(_alone, part) for part in parts[1:]]
        first = _alone(parts[0])
        return [first, *(other.result() for other in others)]


def _alone(part: Callable[[], T]) -> T:
    use_threads(1)
    return part()
