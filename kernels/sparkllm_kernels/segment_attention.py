"""Attention of query rows over one segment of keys and values.

Shapes are the same in every function:

- query `[kv_heads, batch, rows, key_dim]`: the query heads that share a key head are rows like any
  other, so that one call serves grouped-query attention, many requests over one shared segment,
  and padded batches;
- key `[kv_heads, batch, keys, key_dim]` and value `[kv_heads, batch, keys, value_dim]`;
- bias `[1, batch or 1, rows or 1, keys]`, dtype of the query, added to the scores; every row needs
  a key whose bias is finite. None lets every row see every key;
- softcap: scores `s` become `softcap * tanh(s / softcap)` before the bias (Gemma 2, section 2);
  None leaves them.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

# Up to here two batched matrix products beat the blocked kernel of torch, beyond they lose
# (Zen 4, bfloat16: 1.8 against 3.3 ms at 140 keys, 19 against 13 ms at 1,000).
_BLOCKED_ABOVE = 512


# Scores held at once where the blocked kernel can't be had, as numbers.
_SCORES = 1 << 24


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    scale: float,
    bias: Tensor | None = None,
    *,
    softcap: float | None = None,
) -> Tensor:
    """Return the attention output `[kv_heads, batch, rows, value_dim]` over all keys of a row."""
    if _takes_blocked(query, key, value, softcap):
        return _blocked(query, key, value, scale, bias)[0]
    parts = [
        torch.matmul(torch.softmax(scores, dim=-1), value)
        for scores in _scores(query, key, scale, bias, softcap)
    ]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=2)


def attend_partial(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    scale: float,
    bias: Tensor | None = None,
    *,
    softcap: float | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the output over these keys alone and its log-sum-exp, for `merge_partials`.

    Returns:
        The output `[kv_heads, batch, rows, value_dim]` in the dtype of the query, and the
        log-sum-exp of the scores `[kv_heads, batch, rows]` in float32.
    """
    if _takes_blocked(query, key, value, softcap):
        return _blocked(query, key, value, scale, bias)
    outs, lses = [], []
    for scores in _scores(query, key, scale, bias, softcap):
        probabilities = torch.softmax(scores, dim=-1)
        # log-sum-exp = largest score - log of its probability: exact enough in bfloat16, where the
        # sum itself would round to eight bits.
        lses.append(scores.amax(dim=-1).float() - probabilities.amax(dim=-1).float().log())
        outs.append(torch.matmul(probabilities, value))
    if len(outs) == 1:
        return outs[0], lses[0]
    return torch.cat(outs, dim=2), torch.cat(lses, dim=2)


def _takes_blocked(query: Tensor, key: Tensor, value: Tensor, softcap: float | None) -> bool:
    return (
        query.device.type == "cpu"
        and key.shape[2] > _BLOCKED_ABOVE
        and key.shape[3] == value.shape[3]
        and softcap is None
    )


def _blocked(
    query: Tensor, key: Tensor, value: Tensor, scale: float, bias: Tensor | None
) -> tuple[Tensor, Tensor]:
    out, lse = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
        query, key, value, 0.0, False, attn_mask=bias, scale=scale
    )
    return out, lse


def _scores(
    query: Tensor, key: Tensor, scale: float, bias: Tensor | None, softcap: float | None
) -> Iterator[Tensor]:
    """Yield the scores of a few query rows at a time."""
    rows = query.shape[2]
    step = max(1, _SCORES // (query.shape[0] * query.shape[1] * key.shape[2]))
    for first in range(0, rows, step):
        part = slice(first, first + step)
        scores = torch.matmul(query[:, :, part], key.transpose(2, 3)).mul_(scale)
        if softcap is not None:
            scores.div_(softcap).tanh_().mul_(softcap)
        if bias is not None:
            scores.add_(bias if bias.shape[2] == 1 else bias[:, :, part])
        yield scores
