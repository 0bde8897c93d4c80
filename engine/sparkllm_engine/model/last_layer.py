"""The last layer, computed in full only for the tokens whose logits are wanted."""

from typing import Any

import torch
from torch import Tensor, nn

from sparkllm_engine.model.context import Stage, bound_context


class KeysWritten(Exception):  # noqa: N818
    """Ends a layer once its keys and values are in the pool."""


class LastLayer(nn.Module):
    """Stands in for the last layer of a decoder.

    What the last layer makes of a token is read by that token's logits alone, so the others need no
    more of it than their keys and values. The layer runs twice: over all tokens until its attention
    has written them, then over the wanted tokens to its end. With 4 layers, a sixth of the time of
    classifying goes.
    """

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("layer"), name)

    def forward(self, hidden: Tensor, *args: Any, **kwargs: Any) -> Any:
        """Return what the layer returns; `hidden`, `[1, tokens, width]`, passes where unwanted."""
        context = bound_context()
        if context is None or context.answering is None:
            return self.layer(hidden, *args, **kwargs)
        context.stage = Stage.KEYS
        try:
            self.layer(hidden, *args, **kwargs)
        except KeysWritten:
            context.stage = Stage.QUERIES
        wanted = context.answering.wanted
        if not len(wanted):
            return hidden
        tokens = hidden.shape[1]
        few = _at(hidden, wanted, tokens)
        done = self.layer(few, *_at(args, wanted, tokens), **_at(kwargs, wanted, tokens))
        if isinstance(done, tuple):
            return (hidden.index_copy(1, wanted, done[0]), *done[1:])
        return hidden.index_copy(1, wanted, done)


def wrap_last_layer(model: nn.Module, layers: int) -> None:
    """Put a `LastLayer` around the last of a decoder's `layers`, if they are found as a list."""
    for module in model.modules():
        if isinstance(module, nn.ModuleList) and len(module) == layers:
            indices = {getattr(part, "layer_idx", None) for part in module[-1].modules()}
            if layers - 1 in indices:
                module[-1] = LastLayer(module[-1])
                return


def unwrap_last_layer(model: nn.Module) -> None:
    """Undo `wrap_last_layer`."""
    for module in model.modules():
        if isinstance(module, nn.ModuleList) and len(module) and isinstance(module[-1], LastLayer):
            module[-1] = module[-1].layer


def _at(value: Any, wanted: Tensor, tokens: int) -> Any:
    """Return an argument of a layer for the wanted tokens only."""
    if isinstance(value, torch.Tensor) and value.ndim > 1 and value.shape[1] == tokens:
        return value.index_select(1, wanted)
    if isinstance(value, tuple):
        return tuple(_at(item, wanted, tokens) for item in value)
    if isinstance(value, dict):
        return {name: _at(item, wanted, tokens) for name, item in value.items()}
    return value
