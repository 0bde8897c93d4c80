"""In which order waiting requests get their turn."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

OrderKey = Callable[[NDArray[np.int32]], bytes]
"""Sort key of a waiting prompt, `[length]`; equal keys are served in order of arrival."""


def by_arrival(prompt: NDArray[np.int32]) -> bytes:
    """First come, first served."""
    return b""


def by_prefix(prompt: NDArray[np.int32]) -> bytes:
    """Depth-first through the shared prefixes of all that wait."""
    return prompt.astype(">u4").tobytes()


ORDERS: Final[dict[str, OrderKey]] = {"arrival": by_arrival, "prefix": by_prefix}
"""The policies by the name they have in the configuration."""
