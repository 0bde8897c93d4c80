"""Threads of the forward pass."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import local
from typing import TypeVar

import torch

T = TypeVar("T")

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
    """Runs the parts of a step side by side, each part on one thread."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._executor = ThreadPoolExecutor(max(count - 1, 1), thread_name_prefix="sparkllm")

    def run(self, parts: list[Callable[[], T]]) -> list[T]:
        """Return what each part returns; a lone part gets all threads for its operations."""
        if len(parts) == 1:
            use_threads(self.count)
            return [parts[0]()]
        others = [self._executor.submit(_alone, part) for part in parts[1:]]
        first = _alone(parts[0])
        return [first, *(other.result() for other in others)]


def _alone(part: Callable[[], T]) -> T:
    use_threads(1)
    return part()
