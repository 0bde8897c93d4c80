"""What the machine can do at most: the two lines of a roofline, measured."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import torch

from sparkllm_engine.threads import use_threads

_SIZE = 2048
_GPU_SIZE = 8192
_BYTES = 1 << 28
_ROUNDS = 5


@dataclass(frozen=True, slots=True)
class Peak:
    """Best rates seen.

    Attributes:
        gflops: of a product of two large matrices.
        gigabytes_per_second: read from memory.
    """

    gflops: float
    gigabytes_per_second: float


def measure_peak(dtype: torch.dtype, device: torch.device, threads: int) -> Peak:
    """Measure a device, a processor with so many threads; takes about a second."""
    use_threads(threads)
    with torch.inference_mode():
        size = _SIZE if device.type == "cpu" else _GPU_SIZE
        left = torch.randn(size, size, device=device).to(dtype)
        right = torch.randn(size, size, device=device).to(dtype)
        product = _best(lambda: torch.nn.functional.linear(left, right), device)
        memory = torch.ones(_BYTES // 4, dtype=torch.float32, device=device)
        read = _best(memory.sum, device)
    return Peak(2 * size**3 / product / 1e9, _BYTES / read / 1e9)


def _best(run: Callable[[], object], device: torch.device) -> float:
    """Return the least seconds of some rounds."""
    seconds = []
    for _ in range(_ROUNDS):
        start = perf_counter()
        run()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(perf_counter() - start)
    return min(seconds)
