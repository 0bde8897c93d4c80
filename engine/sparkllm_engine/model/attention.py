"""The attention function that transformers' layers call, on the plan of the step."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from transformers import AttentionInterface

from sparkllm_engine.model.context import Stage, bound_context
from sparkllm_engine.model.last_layer import KeysWritten
from sparkllm_engine.model.plan import AttentionPlan, PaddedBatch, Slab
from sparkllm_engine.model.pool import KeyValuePool
from sparkllm_kernels import attend, attend_partial, merge_partials

IMPLEMENTATION = "sparkllm"
"""Name under which transformers finds the attention of the engine."""


def segment_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Write the step's keys and values to the pool, then attend as the bound plan says.

    Args:
        module: the attention layer; its `layer_idx` names its keys and values in the pool.
        query: `[1, heads, tokens, key_dim]`.
        key: `[1, kv_heads, tokens, key_dim]`.
        value: `[1, kv_heads, tokens, value_dim]`.
        attention_mask: none is made for this implementation.
        scaling: factor on the scores, by default one over the root of `key_dim`.
        sliding_window: tokens that a query sees, itself included; None for all before it.
        softcap: bound on the scores, see `sparkllm_kernels.attend`.

    Returns:
        `[1, tokens, heads, value_dim]`, and None for the probabilities.

    Raises:
        KeysWritten: the bound stage ends here.
    """
    context = bound_context()
    assert context is not None, "the model runs through Decoder.forward only"
    layer = int(module.layer_idx)  # type: ignore[arg-type]
    scores = Scores(query.shape[-1] ** -0.5 if scaling is None else scaling, softcap)
    queries = query[0].transpose(0, 1)
    plans = context.plans
    if context.stage is not Stage.QUERIES:
        context.pool.write(layer, plans.write_slots, key[0], value[0])
    if context.stage is Stage.KEYS:
        raise KeysWritten
    if context.stage is Stage.QUERIES:
        assert context.answering is not None
        plans = context.answering.plans
    plan = plans.within(sliding_window)
    return _attend(plan, context.pool, layer, queries, scores).unsqueeze(0), None


class Scores(NamedTuple):
    """What a layer does to its scores."""

    scale: float
    softcap: float | None


def _attend(
    plan: AttentionPlan, pool: KeyValuePool, layer: int, queries: Tensor, scores: Scores
) -> Tensor:
    """Return `[tokens, heads, value_dim]` for queries `[tokens, heads, key_dim]`."""
    outs, lses = [], []
    for batch in plan.batches:
        keys, values = pool.gather(layer, batch.keys)
        rows = _batch_queries(queries, batch, len(keys))
        bias = batch.bias(queries.shape[1] // len(keys), queries.dtype)
        if plan.slabs:
            out, lse = attend_partial(
                rows, keys, values, scores.scale, bias, softcap=scores.softcap
            )
            lses.append(_unfold(lse.unsqueeze(-1), *batch.queries.shape))
        else:
            out = attend(rows, keys, values, scores.scale, bias, softcap=scores.softcap)
        outs.append(_unfold(out, *batch.queries.shape))
    out = torch.cat(outs).index_select(0, plan.restore)
    if plan.slabs:
        lse = torch.cat(lses).squeeze(-1).index_select(0, plan.restore)
        for slab in plan.slabs:
            keys, values = pool.slab(layer, slab.filled)
            out, lse = _merge(out, lse, slab, *_attend_slab(queries, slab, keys, values, scores))
    return out


def _attend_slab(
    queries: Tensor, slab: Slab, keys: Tensor, values: Tensor, scores: Scores
) -> tuple[Tensor, Tensor]:
    """Return `[n, heads, value_dim]` and `[n, heads]` of the queries that see the slab."""
    if slab.queries is not None:
        queries = queries.index_select(0, slab.queries)
    count = len(queries)
    rows = _fold(queries.unsqueeze(0), len(keys))
    bias = slab.bias(queries.dtype, queries.device)
    out, lse = attend_partial(rows, keys, values, scores.scale, bias, softcap=scores.softcap)
    return _unfold(out, 1, count), _unfold(lse.unsqueeze(-1), 1, count).squeeze(-1)


def _merge(
    out: Tensor, lse: Tensor, slab: Slab, part: Tensor, part_lse: Tensor
) -> tuple[Tensor, Tensor]:
    """Merge a slab's part into the output and log-sum-exp of the step."""
    if slab.queries is None:
        return merge_partials(out, lse, part, part_lse)
    merged, merged_lse = merge_partials(
        out.index_select(0, slab.queries), lse.index_select(0, slab.queries), part, part_lse
    )
    return out.index_copy_(0, slab.queries, merged), lse.index_copy_(0, slab.queries, merged_lse)


def _batch_queries(queries: Tensor, batch: PaddedBatch, kv_heads: int) -> Tensor:
    """Return the queries of a padded batch, folded, from `[tokens, heads, key_dim]`."""
    rows = queries.index_select(0, batch.queries.view(-1))
    return _fold(rows.view(*batch.queries.shape, *rows.shape[1:]), kv_heads)


def _fold(queries: Tensor, kv_heads: int) -> Tensor:
    """Return `[kv_heads, batch, rows * group, dim]` of `[batch, rows, heads, dim]`."""
    size, rows, heads, width = queries.shape
    split = queries.view(size, rows, kv_heads, heads // kv_heads, width)
    return split.permute(2, 0, 1, 3, 4).reshape(kv_heads, size, -1, width)


def _unfold(folded: Tensor, size: int, rows: int) -> Tensor:
    """Return `[batch * rows, heads, dim]` of `[kv_heads, batch, rows * group, dim]`."""
    split = folded.view(len(folded), size, rows, -1, folded.shape[-1])
    return split.permute(1, 2, 0, 3, 4).reshape(size * rows, -1, folded.shape[-1])


AttentionInterface.register(IMPLEMENTATION, segment_attention)
