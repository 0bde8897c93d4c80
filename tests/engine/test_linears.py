import pytest
import torch
from torch import nn

from sparkllm_engine.model.linears import PackedLinear, pack_linears

pytestmark = pytest.mark.skipif(
    not hasattr(torch.ops.mkldnn, "_linear_pointwise"), reason="torch without oneDNN"
)


@pytest.mark.parametrize("rows", [1, 7, 300])
@pytest.mark.parametrize("bias", [False, True])
def test_a_packed_linear_gives_what_the_plain_one_gives(rows: int, bias: bool) -> None:
    torch.manual_seed(rows)
    linear = nn.Linear(48, 80, bias=bias, dtype=torch.bfloat16)
    inputs = torch.randn(1, rows, 48, dtype=torch.bfloat16)
    expected = nn.functional.linear(inputs.double(), linear.weight.double())
    if linear.bias is not None:
        expected += linear.bias.double()
    with torch.inference_mode():
        found = PackedLinear(linear)(inputs)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.double(), expected, atol=0.02, rtol=0.01)


def test_only_bfloat16_linears_are_packed_and_the_head_is_kept() -> None:
    model = nn.ModuleDict(
        {
            "layer": nn.Sequential(nn.Linear(4, 4, dtype=torch.bfloat16), nn.Linear(4, 4)),
            "head": nn.Linear(4, 9, dtype=torch.bfloat16),
        }
    )
    pack_linears(model, keep=model["head"])
    kinds = [type(module) for module in (*model["layer"], model["head"])]
    assert kinds == [PackedLinear, nn.Linear, nn.Linear]
