from itertools import pairwise

import pytest
import torch
from torch import Tensor

from sparkllm_kernels import attend, attend_partial, merge_partials
from tests.device import DEVICE


def softmax_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    scale: float,
    bias: Tensor | None,
    *,
    softcap: float | None = None,
) -> tuple[Tensor, Tensor]:
    """Attention written out in float64."""
    scores = torch.einsum("bhqd,bhkd->bhqk", query.double(), key.double()) * scale
    if softcap is not None:
        scores = softcap * torch.tanh(scores / softcap)
    if bias is not None:
        scores = scores + bias.double()
    weights = scores.exp()
    out = torch.einsum("bhqk,bhkd->bhqd", weights, value.double())
    return out / weights.sum(-1, keepdim=True), weights.sum(-1).log()


def case(keys: int, rows: int = 6, dtype: torch.dtype = torch.float32) -> tuple[Tensor, ...]:
    generator = torch.Generator().manual_seed(keys)
    query = torch.randn(2, 3, rows, 16, generator=generator)
    key = torch.randn(2, 3, keys, 16, generator=generator)
    value = torch.randn(2, 3, keys, 16, generator=generator)
    return tuple(tensor.to(DEVICE, dtype) for tensor in (query, key, value))


def causal_bias(rows: int, keys: int) -> Tensor:
    hidden = torch.ones(rows, keys, dtype=torch.bool).triu(keys - rows + 1)
    bias = torch.zeros(rows, keys).masked_fill(hidden, float("-inf"))
    return bias.to(DEVICE).expand(1, 3, rows, keys)


@pytest.mark.parametrize("keys", [1, 7, 512, 513, 700])
@pytest.mark.parametrize("masked", [False, True])
def test_output_and_log_sum_exp_are_those_of_softmax(keys: int, masked: bool) -> None:
    query, key, value = case(keys)
    bias = causal_bias(query.shape[2], keys) if masked and keys >= query.shape[2] else None
    expected, expected_lse = softmax_attention(query, key, value, 0.25, bias)
    out, lse = attend_partial(query, key, value, 0.25, bias)
    torch.testing.assert_close(out.double(), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(lse.double(), expected_lse, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(attend(query, key, value, 0.25, bias), out)


@pytest.mark.parametrize("keys", [7, 700])
def test_scores_are_capped_softly(keys: int) -> None:
    query, key, value = case(keys)
    bias = causal_bias(query.shape[2], keys)
    expected, expected_lse = softmax_attention(query, key, value, 2.0, bias, softcap=1.5)
    out, lse = attend_partial(query, key, value, 2.0, bias, softcap=1.5)
    torch.testing.assert_close(out.double(), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(lse.double(), expected_lse, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(attend(query, key, value, 2.0, bias, softcap=1.5), out)


def test_rows_beyond_what_is_held_at_once_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    query, key, value = case(40, rows=9)
    bias = causal_bias(9, 40)
    whole = attend_partial(query, key, value, 0.25, bias)
    monkeypatch.setattr("sparkllm_kernels.segment_attention._SCORES", 2 * 3 * 40 * 4)
    parts = attend_partial(query, key, value, 0.25, bias)
    torch.testing.assert_close(parts, whole)
    torch.testing.assert_close(attend(query, key, value, 0.25, bias), whole[0])


@pytest.mark.parametrize("keys", [7, 300, 700])
def test_bfloat16_keeps_the_log_sum_exp_in_float32(keys: int) -> None:
    query, key, value = case(keys, dtype=torch.bfloat16)
    _, expected_lse = softmax_attention(query, key, value, 0.25, None)
    _, lse = attend_partial(query, key, value, 0.25)
    assert lse.dtype == torch.float32
    torch.testing.assert_close(lse.double(), expected_lse, atol=0.03, rtol=0)


def test_key_and_value_widths_may_differ() -> None:
    query, key, value = case(700)
    expected, _ = softmax_attention(query, key, value[..., :5], 0.25, None)
    out = attend(query, key, value[..., :5], 0.25)
    torch.testing.assert_close(out.double(), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("cuts", [(3,), (1, 2), (100, 650), (300, 301)])
def test_merged_parts_equal_attention_over_all_keys(cuts: tuple[int, ...]) -> None:
    query, key, value = case(700)
    expected, expected_lse = softmax_attention(query, key, value, 0.25, None)
    edges = [0, *cuts, 700]
    parts = [
        attend_partial(query, key[:, :, a:b], value[:, :, a:b], 0.25) for a, b in pairwise(edges)
    ]
    out, lse = parts[0]
    for part in parts[1:]:
        out, lse = merge_partials(out, lse, *part)
    torch.testing.assert_close(out.double(), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(lse.double(), expected_lse, atol=1e-5, rtol=1e-5)
