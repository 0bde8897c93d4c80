"""Keys and values of cached tokens: one row of each layer's tensors for each slot."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

PAD_SLOT = 0
"""A slot of zeros that padding points at, so that masked keys are finite numbers."""
DISCARD_SLOT = 1
"""Where keys and values go that nobody will read."""
_RESERVED = 2
VECTOR = 32
"""Keys are attended in whole vectors of the processor, the last one filled up with masked ones:
softmax over 128 numbers takes less than half the time of softmax over 125."""


@dataclass(frozen=True, slots=True)
class LayerShape:
    """Shape of one layer's keys and values."""

    kv_heads: int
    key_dim: int
    value_dim: int

    @property
    def width(self) -> int:
        """Numbers per token."""
        return self.kv_heads * (self.key_dim + self.value_dim)


class KeyValuePool:
    """Slots for keys and values, `[kv_heads, slots, dim]` in each layer.

    A run of slots is a contiguous slab for each head. Slots from `first` on belong to the prefix
    cache, the `scratch` ones after them to tokens that live for one step only.
    """

    first = _RESERVED

    def __init__(
        self,
        layers: list[LayerShape],
        slots: int,
        scratch: int,
        dtype: torch.dtype,
        device: torch.device,
    ) -> None:
        self.slots = slots
        self.dtype = dtype
        self.scratch = range(_RESERVED + slots, _RESERVED + slots + scratch)
        self._keys: list[Tensor] = []
        self._values: list[Tensor] = []
        for layer in layers:
            for width, tensors in ((layer.key_dim, self._keys), (layer.value_dim, self._values)):
                shape = (layer.kv_heads, self.scratch.stop + VECTOR, width)
                tensors.append(_zeros(shape, dtype, device))

    def write(self, layer: int, slots: Tensor, key: Tensor, value: Tensor) -> None:
        """Store keys and values `[kv_heads, tokens, dim]` of one layer in `slots`, `[tokens]`."""
        self._keys[layer].index_copy_(1, slots, key)
        self._values[layer].index_copy_(1, slots, value)

    def gather(self, layer: int, slots: Tensor) -> tuple[Tensor, Tensor]:
        """Return copies `[kv_heads, batch, keys, dim]` of the slots `[batch, keys]`."""
        gathered = []
        for tensor in (self._keys[layer], self._values[layer]):
            rows = tensor.index_select(1, slots.view(-1))
            gathered.append(rows.view(len(rows), *slots.shape, -1))
        return gathered[0], gathered[1]

    def slab(self, layer: int, slots: range) -> tuple[Tensor, Tensor]:
        """Return views `[kv_heads, 1, keys, dim]` of a run of slots."""
        return (
            self._keys[layer][:, slots.start : slots.stop].unsqueeze(1),
            self._values[layer][:, slots.start : slots.stop].unsqueeze(1),
        )


def _zeros(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    if device.type != "cpu":
        return torch.zeros(shape, dtype=dtype, device=device)
    # Unlike those of torch, the zeros of NumPy take no memory until they are written.
    bytes_ = np.zeros(math.prod(shape) * dtype.itemsize, np.uint8)
    return torch.from_numpy(bytes_).view(dtype).view(shape)
