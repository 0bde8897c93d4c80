"""The model's shape."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import LlamaConfig

CONTEXT_LENGTH = 2048
"""Tokens of prompt and answer together."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a decoder with grouped-query attention and tied embeddings."""

    vocabulary: int = 8192
    hidden: int = 576
    layers: int = 4
    heads: int = 9
    kv_heads: int = 3
    head_dim: int = 64
    intermediate: int = 512
    rope_theta: float = 100_000.0


def configuration(shape: Shape, pad: int, end: int) -> "LlamaConfig":
    """Return the shape as a configuration of transformers.

    Args:
        shape: The sizes.
        pad: Id of the padding token.
        end: Id of the token that ends an answer.
    """
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim,
        max_position_embeddings=CONTEXT_LENGTH,
        rope_parameters={"rope_type": "default", "rope_theta": shape.rope_theta},
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        pad_token_id=pad,
        eos_token_id=end,
        bos_token_id=None,
    )
