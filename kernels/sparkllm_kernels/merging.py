"""Merging attention outputs computed over disjoint segments of keys."""

import torch
from torch import Tensor


def merge_partials(
    out_a: Tensor, lse_a: Tensor, out_b: Tensor, lse_b: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the output and log-sum-exp over the union of two disjoint sets of keys.

    Softmax over a union is the average of the partial outputs weighted by the exponentials of
    their log-sum-exps (Dao et al., FlashAttention, section 3.1).

    Args:
        out_a: `[..., value_dim]`.
        lse_a: `[...]`, float32.
        out_b: shaped as `out_a`.
        lse_b: shaped as `lse_a`.

    Returns:
        The merged output in the dtype of `out_a` and the merged log-sum-exp in float32.
    """
    weight_b = torch.sigmoid(lse_b - lse_a).unsqueeze(-1).to(out_a.dtype)
    return torch.lerp(out_a, out_b, weight_b.expand_as(out_a)), torch.logaddexp(lse_a, lse_b)
