"""What a step must compute and move, counted from the shapes of the model."""

from collections.abc import Sequence as Rows
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from sparkllm_engine.model.packing import PackedRow
from sparkllm_engine.model.probe import Probe


@dataclass(frozen=True, slots=True)
class StepCost:
    """Least work of a step.

    Attributes:
        flops: multiplications and additions of linear layers, attention and LM head.
        bytes: weights, once, and the keys and values that each row sees.
    """

    flops: int
    bytes: int


class CostModel:
    """Counts the work of steps.

    The last layer counts in full only for tokens whose logits are wanted, see `last_layer`; of
    experts, those that a token goes through.

    Args:
        model: before its linears are replaced.
        probe: of the model.
        weight_bytes: of a weight of a linear layer.
    """

    def __init__(self, model: PreTrainedModel, probe: Probe, weight_bytes: int) -> None:
        head = model.get_output_embeddings()
        config = model.config.get_text_config(decoder=True)
        per_layer = [0] * len(probe.layers)
        weights = 0
        for module in model.modules():
            if isinstance(module, nn.ModuleList) and len(module) == len(per_layer):
                per_layer = [_active(layer, config) for layer in module]
                weights = sum(_matrices(layer) for layer in module)
                break
        shapes = [shape for _, shape in sorted(probe.layers.items())]
        hidden = int(head.weight.shape[1])
        self._all = sum(per_layer[:-1])
        self._last_keys = hidden * shapes[-1].width
        self._last_rest = per_layer[-1] - self._last_keys
        self._head = hidden
        self._vocabulary = int(head.weight.shape[0])
        self._pair = [
            2 * probe.heads[layer] * (shape.key_dim + shape.value_dim)
            for layer, shape in enumerate(shapes)
        ]
        self._windows = [probe.windows.get(layer) for layer in range(len(shapes))]
        self._weight_bytes = weights * weight_bytes
        self._key_bytes = sum(shape.width for shape in shapes) * model.dtype.itemsize
        self._number_bytes = model.dtype.itemsize

    def step(self, rows: Rows[PackedRow]) -> StepCost:
        """Return the cost of computing these rows together."""
        tokens = sum(row.length for row in rows)
        wanted = sum(len(row.wanted) for row in rows)
        logits = sum(
            len(row.wanted) * (self._vocabulary if row.wanted_ids is None else len(row.wanted_ids))
            for row in rows
            if not row.states
        )
        linear = tokens * (self._all + self._last_keys) + wanted * self._last_rest
        flops = 2 * (linear + logits * self._head)
        pairs = {window: _pairs(rows, window) for window in set(self._windows)}
        for pair, window in zip(self._pair[:-1], self._windows[:-1], strict=True):
            flops += pair * pairs[window]
        flops += self._pair[-1] * sum(len(row.wanted) * len(row.key_slots) for row in rows)
        keys = sum(len(row.key_slots) for row in rows)
        heads = self._head * self._number_bytes * (self._vocabulary if logits else 0)
        return StepCost(flops, self._weight_bytes + heads + keys * self._key_bytes)


def _pairs(rows: Rows[PackedRow], window: int | None) -> int:
    """Return how many keys all queries see together."""
    pairs = 0
    for row in rows:
        past = len(row.key_slots) - row.length
        if window is None or len(row.key_slots) <= window:
            pairs += row.length * past + row.length * (row.length + 1) // 2
        else:
            pairs += sum(min(past + 1 + index, window) for index in range(row.length))
    return pairs


def _matrices(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters() if parameter.ndim > 1)


def _active(layer: nn.Module, config: Any) -> int:
    """Return the numbers of a layer's matrices that a token is multiplied with."""
    total = getattr(config, "num_experts", None) or getattr(config, "num_local_experts", None) or 1
    used = getattr(config, "num_experts_per_tok", None) or total
    return sum(
        # The weights of all experts of a layer are one parameter of three dimensions.
        parameter.numel() * used // total if parameter.ndim == 3 else parameter.numel()
        for parameter in layer.parameters()
        if parameter.ndim > 1
    )


def weight_bytes(dtype: torch.dtype, quantization: str) -> int:
    """Return the bytes of a weight of a linear layer."""
    return 1 if quantization == "int8" else dtype.itemsize
