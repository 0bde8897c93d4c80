"""Features of texts from a pretrained sentence encoder, a teacher that is not shipped."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import AutoModel, AutoTokenizer

_BATCH = 64
_LONGEST = 128
_LAYERS = 3
"""Layers whose mean over the text is taken, evenly spread up to the last."""


def sentence_features(
    texts: Sequence[str], encoder: Path, cache: Path | None = None
) -> NDArray[np.float32]:
    """Return the features of texts, `[texts, 3 * hidden]`.

    The middle layers say more about sentiment than the last one, which was trained for likeness.

    Args:
        texts: any texts; the first 128 tokens of each are read.
        encoder: folder of an encoder as transformers saves it.
        cache: file with features of texts known before; read, and written when new ones came.
    """
    known: dict[str, NDArray[np.float16]] = {}
    if cache is not None and cache.exists():
        with np.load(cache) as arrays:
            known = dict(zip(arrays["keys"].tolist(), arrays["features"], strict=True))
    missing = sorted({text for text in texts if _key(text) not in known}, key=_by_length)
    if missing:
        known.update(zip(map(_key, missing), _encode(missing, encoder), strict=True))
        if cache is not None:
            np.savez(cache, keys=np.array(list(known)), features=np.array(list(known.values())))
    return np.array([known[_key(text)] for text in texts], dtype=np.float32)


def principal(features: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Return the directions of most variance, `[texts, count]`, with a mean square of 1."""
    scaled = (features - features.mean(0)) / (features.std(0) + 1e-6)
    _, directions = np.linalg.eigh(scaled.T @ scaled)
    turned = scaled @ directions[:, ::-1][:, :count]
    return np.asarray(turned / np.sqrt(np.square(turned).mean()), dtype=np.float32)


def _key(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def _by_length(text: str) -> tuple[int, str]:
    return len(text), text


@torch.inference_mode()
def _encode(texts: Sequence[str], encoder: Path) -> Iterator[NDArray[np.float16]]:
    tokenizer = AutoTokenizer.from_pretrained(encoder)
    model = AutoModel.from_pretrained(encoder, dtype=torch.float32).eval()
    count = model.config.num_hidden_layers
    layers = [count * part // _LAYERS for part in range(1, _LAYERS + 1)]
    for start in range(0, len(texts), _BATCH):
        batch = list(texts[start : start + _BATCH])
        tokens = tokenizer(
            batch, padding=True, truncation=True, max_length=_LONGEST, return_tensors="pt"
        )
        with torch.autocast("cpu", torch.bfloat16):
            hidden = model(**tokens, output_hidden_states=True).hidden_states
        mask = tokens["attention_mask"][..., None].float()
        means = [(hidden[layer].float() * mask).sum(1) / mask.sum(1) for layer in layers]
        yield from torch.cat(means, dim=1).to(torch.float16).numpy()
