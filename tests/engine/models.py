"""Tiny models with random weights, one per family, and a tokenizer trained on a few sentences."""

import json
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from tokenizers.processors import TemplateProcessing
from torch.nn.functional import normalize
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedTokenizerFast,
)

VOCABULARY = 384
WINDOW = 12
CHAT_TEMPLATE = (
    "{% for message in messages %}<|start|>{{ message['role'] }}\n{{ message['content'] }}<|end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)
SENTENCES = [
    "The dress is lovely, but the sleeves run small.",
    "Classify the input. Answer with one of these labels: positive, negative, neutral.",
    "Great value, I would buy it again and again!",
    "Not for me: it itches, it fades, and it shrank after one wash.",
]

_SHAPE: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 256,
    "eos_token_id": 1,
    "bos_token_id": None,
    "pad_token_id": None,
}
_GROUPED = _SHAPE | {"num_key_value_heads": 2}

FAMILIES: dict[str, PretrainedConfig] = {
    "llama": transformers.LlamaConfig(**_GROUPED),
    "mistral": transformers.MistralConfig(**_GROUPED, sliding_window=None),
    "mistral_local": transformers.MistralConfig(**_GROUPED, sliding_window=WINDOW),
    "qwen2": transformers.Qwen2Config(**_GROUPED),
    "qwen3": transformers.Qwen3Config(**_GROUPED, head_dim=16, tie_word_embeddings=True),
    "qwen3_moe": transformers.Qwen3MoeConfig(
        **_GROUPED, head_dim=16, num_experts=4, num_experts_per_tok=2, moe_intermediate_size=24
    ),
    "gemma": transformers.GemmaConfig(**_GROUPED, head_dim=16),
    "gemma2": transformers.Gemma2Config(
        **(_GROUPED | {"num_hidden_layers": 4}),
        head_dim=16,
        sliding_window=WINDOW,
        attn_logit_softcapping=2.0,
        final_logit_softcapping=30.0,
        query_pre_attn_scalar=16,
    ),
    "gemma3": transformers.Gemma3TextConfig(
        **(_GROUPED | {"num_hidden_layers": 4}),
        head_dim=16,
        sliding_window=WINDOW,
        layer_types=["sliding_attention", "full_attention"] * 2,
        query_pre_attn_scalar=16,
    ),
    "gpt_neox": transformers.GPTNeoXConfig(**_SHAPE),
    "phi": transformers.PhiConfig(**_GROUPED),
    "mixtral": transformers.MixtralConfig(**_GROUPED, sliding_window=None, num_local_experts=4),
    "gpt2": transformers.GPT2Config(
        vocab_size=VOCABULARY, n_embd=32, n_layer=2, n_head=4, n_positions=256, eos_token_id=1
    ),
    "opt": transformers.OPTConfig(
        vocab_size=VOCABULARY,
        hidden_size=32,
        ffn_dim=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=256,
        word_embed_proj_dim=32,
        eos_token_id=1,
    ),
}

_ENCODER: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 130,
    "pad_token_id": 0,
}
ENCODERS = {
    "bert": transformers.BertConfig(**_ENCODER),
    "roberta": transformers.RobertaConfig(**(_ENCODER | {"pad_token_id": 1})),
    "mpnet": transformers.MPNetConfig(**(_ENCODER | {"pad_token_id": 1})),
    "qwen3": transformers.Qwen3Config(**_ENCODER, num_key_value_heads=2, head_dim=16),
}


def tiny_tokenizer(chat: bool = False) -> PreTrainedTokenizerFast:
    """Return a byte-level BPE tokenizer with a few merges."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=["<|pad|>", "<|end|>", "<|start|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|end|>", pad_token="<|pad|>"
    )
    if chat:
        fast.chat_template = CHAT_TEMPLATE
    return fast


def save_model(folder: Path, config: PretrainedConfig, chat: bool = False) -> Path:
    """Save a model with random float32 weights, large enough to tell answers apart."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(4)
    model.save_pretrained(folder)
    tiny_tokenizer(chat).save_pretrained(folder)
    return folder


def save_encoder(folder: Path, family: str = "bert", pooling: str = "") -> Path:
    """Save a model without a head whose tokenizer puts special tokens around every text."""
    torch.manual_seed(0)
    AutoModel.from_config(ENCODERS[family]).save_pretrained(folder)
    tokenizer = tiny_tokenizer()
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<|start|> $A <|end|>", special_tokens=[("<|start|>", 2), ("<|end|>", 1)]
    )
    tokenizer.save_pretrained(folder)
    if pooling:
        place = "sentence_transformers.models"
        (folder / "modules.json").write_text(
            json.dumps(
                [
                    {"path": "", "type": f"{place}.Transformer"},
                    {"path": "1_Pooling", "type": f"{place}.Pooling"},
                ]
            )
        )
        (folder / "1_Pooling").mkdir()
        (folder / "1_Pooling" / "config.json").write_text(
            json.dumps({"word_embedding_dimension": 32, f"pooling_mode_{pooling}": True})
        )
    return folder


def hidden_state(folder: Path, text: str, pooling: str) -> list[float]:
    """Return what transformers makes of one text."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.inference_mode():
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        states = model(input_ids=ids).last_hidden_state[0]
    pooled = {"mean": states.mean(0), "last": states[-1], "first": states[0]}[pooling]
    return normalize(pooled, dim=0).tolist()
