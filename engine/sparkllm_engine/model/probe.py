"""Whether the engine can serve a model, found out by running it once before any row does."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, PreTrainedModel

from sparkllm_engine.errors import EngineConfigError
from sparkllm_engine.model.pool import LayerShape
from sparkllm_kernels import attend

_IMPLEMENTATION = "sparkllm_probe"
_TOKENS = 9
# What some layers hand to their attention beyond queries, keys and values, and the engine lacks.
_UNSERVED = {
    "s_aux": "attention sinks",
    "position_bias": "a position bias on attention scores",
}
# Difference of logits allowed, as a share of their spread.
_TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.25}


@dataclass(slots=True)
class Probe:
    """What the layers showed of themselves.

    Attributes:
        layers: shape of the keys and values by layer index.
        heads: query heads by layer index.
        windows: tokens that a layer's queries see, None for all, by layer index.
        unserved: features that a layer asked for and the engine lacks.
        logits: of the probe's tokens `0, 1, ...`, `[tokens, vocabulary]`, as transformers has them.
    """

    layers: dict[int, LayerShape] = field(default_factory=dict)
    heads: dict[int, int] = field(default_factory=dict)
    windows: dict[int, int | None] = field(default_factory=dict)
    unserved: set[str] = field(default_factory=set)
    logits: Tensor = field(default_factory=lambda: torch.empty(0, 0))

    def agrees(self, logits: Tensor, positions: list[int]) -> bool:
        """Whether `logits` are those of `positions` to within rounding."""
        own = self.logits[positions].float()
        allowed = _TOLERANCE.get(self.logits.dtype, 0.25) * self.logits.float().std()
        return bool((logits.float() - own).abs().max() <= allowed)


_probe = Probe()


def probe_model(model: PreTrainedModel) -> Probe:
    """Compare the logits of a few tokens under plain causal attention with the model's own.

    Raises:
        EngineConfigError: the architecture needs what the engine doesn't have; names it.
    """
    global _probe  # noqa: PLW0603
    name = type(model).__name__
    token_ids = positions = torch.arange(_TOKENS, device=model.device)[None]
    try:
        model.set_attn_implementation("eager")
        own = model(input_ids=token_ids, position_ids=positions, use_cache=False).logits
        _probe = Probe()
        model.set_attn_implementation(_IMPLEMENTATION)
        ours = model(input_ids=token_ids, position_ids=positions, use_cache=False).logits
    except Exception as error:
        raise EngineConfigError(
            f"{name} can't be served: it doesn't run on packed tokens with a replaced attention"
            f" function ({type(error).__name__}: {error})"
        ) from error
    if _probe.unserved:
        raise EngineConfigError(f"{name} can't be served yet: it uses {_listed(_probe.unserved)}")
    if not _probe.layers:
        raise EngineConfigError(
            f"{name} can't be served: its layers don't go through transformers' attention interface"
        )
    _check_windows(model, name)
    _probe.logits = own[0]
    if not _probe.agrees(ours[0], list(range(_TOKENS))):
        raise EngineConfigError(
            f"{name} can't be served: its attention is neither causal nor within a sliding window"
        )
    if sorted(_probe.layers) != list(range(len(_probe.layers))):
        raise EngineConfigError(
            f"{name} can't be served: its layers {sorted(_probe.layers)} have gaps"
        )
    return _probe


def _check_windows(model: PreTrainedModel, name: str) -> None:
    """Check that layers which the configuration calls local ask for a sliding window.

    The probe is shorter than most windows, so its logits can't tell.
    """
    config = model.config.get_text_config(decoder=True)
    kinds = getattr(config, "layer_types", None) or []
    unknown = sorted(set(kinds) - {"full_attention", "sliding_attention"})
    if unknown:
        raise EngineConfigError(f"{name} can't be served yet: it has layers of {_listed(unknown)}")
    for layer, window in _probe.windows.items():
        if layer < len(kinds) and (kinds[layer] == "sliding_attention") != (window is not None):
            raise EngineConfigError(
                f"{name} can't be served: its layer {layer} is {kinds[layer]}, but asks for"
                f" a window of {window}"
            )


def _probe_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    **extra: Any,
) -> tuple[Tensor, None]:
    _, heads, tokens, width = query.shape
    kv_heads = key.shape[1]
    layer = int(module.layer_idx)  # type: ignore[arg-type]
    _probe.layers[layer] = LayerShape(kv_heads, key.shape[3], value.shape[3])
    _probe.unserved |= {text for name, text in _UNSERVED.items() if extra.get(name) is not None}
    _probe.heads[layer] = heads
    _probe.windows[layer] = sliding_window
    key, value = (tensor.repeat_interleave(heads // kv_heads, dim=1) for tensor in (key, value))
    seen = torch.ones(tokens, tokens, dtype=torch.bool, device=query.device).tril()
    if sliding_window is not None:
        seen = seen.triu(1 - sliding_window)
    bias = torch.zeros(tokens, tokens, dtype=query.dtype, device=query.device)
    bias = bias.masked_fill(~seen, float("-inf"))[None, None]
    scale = width**-0.5 if scaling is None else scaling
    return attend(query, key, value, scale, bias, softcap=softcap).transpose(1, 2), None


def _listed(texts: Iterable[str]) -> str:
    return ", ".join(sorted(texts))


AttentionInterface.register(_IMPLEMENTATION, _probe_attention)
