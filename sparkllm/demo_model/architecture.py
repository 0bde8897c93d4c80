"""The model's shape."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import Qwen3Config

CONTEXT_LENGTH = 2048
"""Tokens of prompt and answer together."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a decoder with grouped-query attention and tied embeddings."""

    vocabulary: int = 6144
    hidden: int = 256
    layers: int = 4
    heads: int = 8
    kv_heads: int = 2
    head_dim: int = 32
    intermediate: int = 640


def configuration(shape: Shape, pad: int, end: int) -> "Qwen3Config":
    """Return the shape as a configuration of transformers.

    Args:
        shape: The sizes.
        pad: Id of the padding token.
        end: Id of the token that ends an answer.
    """
    from transformers import Qwen3Config

    return Qwen3Config(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        max_position_embeddings=CONTEXT_LENGTH,
        tie_word_embeddings=True,
        pad_token_id=pad,
        eos_token_id=end,
        bos_token_id=None,
    )
