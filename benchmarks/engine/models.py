"""Qwen3-shaped decoders with random weights, and the tokenizer they are given."""

from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, Qwen3Config

from sparkllm import demo_model

_LONGEST = 8192


@dataclass(frozen=True, slots=True)
class Shape:
    """A size of model."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_width: int
    intermediate: int


SHAPES = {
    "1M": Shape(128, 2, 4, 2, 32, 512),
    "7M": Shape(256, 6, 8, 4, 64, 1024),
    "80M": Shape(768, 11, 12, 4, 64, 2432),
    "0.5B": Shape(1024, 28, 16, 8, 128, 3072),
}
"""By the number of weights in the layers; 0.5B is Qwen3-0.6B but for the vocabulary."""


def save_model(folder: Path, shape: Shape) -> None:
    """Save a model of this shape in bfloat16, with the tokenizer of the model that ships."""
    tokenizer = AutoTokenizer.from_pretrained(demo_model.path())
    tokenizer.chat_template = None
    config = Qwen3Config(
        vocab_size=-(-len(tokenizer) // 64) * 64,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_width,
        max_position_embeddings=_LONGEST,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
        pad_token_id=tokenizer.pad_token_id,
    )
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
