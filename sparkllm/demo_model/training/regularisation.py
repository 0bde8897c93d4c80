"""What keeps a small model from learning rows by heart: dropped features and replaced tokens."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout
from transformers import PreTrainedModel

from sparkllm.demo_model.training.batches import Batch

_SHORT_ANSWER = 8
"""Tokens, with the one that ends it."""


def drop_features(model: PreTrainedModel, share: float) -> None:
    """Have embeddings and the outputs of attention and feed-forward parts dropped in training.

    The architecture knows no such dropout; hooks add it, and the saved model has no trace of it.
    """

    def hook(module: nn.Module, _: Any, output: Any) -> Any:
        if not module.training:
            return output
        if isinstance(output, tuple):
            return (dropout(output[0], share), *output[1:])
        return dropout(output, share)

    base = model.base_model
    base.embed_tokens.register_forward_hook(hook)
    for layer in base.layers:
        layer.self_attn.register_forward_hook(hook)
        layer.mlp.register_forward_hook(hook)


def replace_tokens(
    batch: Batch, share: float, vocabulary: int, generator: torch.Generator
) -> Tensor:
    """Return the ids of a batch, `[examples, tokens]`, with a share of row text made random.

    Examples with long answers, which may be taken from the text word by word, stay as they are.

    Args:
        batch: the examples.
        share: part of the tokens of row text that is replaced.
        vocabulary: size of the vocabulary to draw from.
        generator: draws.
    """
    places = torch.arange(batch.ids.shape[1])[None, :]
    text = (places >= batch.marks[:, 0:1]) & (places < batch.marks[:, 1:2])
    text &= (batch.lengths - batch.marks[:, 2] <= _SHORT_ANSWER)[:, None]
    chosen = text & (torch.rand(text.shape, generator=generator) < share)
    drawn = torch.randint(vocabulary, text.shape, generator=generator)
    return torch.where(chosen, drawn, batch.ids)
