"""In which order waiting requests get their turn."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

OrderKey = Callable[[NDArray[np.int32]], bytes]
"""Sort key of a waiting prompt; equal keys are served in order of arrival."""


class Order:
    """The policies, each a key of the prompt's token ids."""

    @staticmethod
    def arrival(prompt: NDArray[np.int32]) -> bytes:
        """First come, first served."""
        return b""

    @staticmethod
    def prefix(prompt: NDArray[np.int32]) -> bytes:
        """Depth-first through the shared prefixes of all that wait: best for a small pool."""
        return prompt.astype(">u4").tobytes()
