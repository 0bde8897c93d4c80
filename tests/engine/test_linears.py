import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sparkllm import demo_model
from sparkllm_engine import EngineConfig, EngineConfigError, LLMEngine, SamplingParameters
from sparkllm_engine.model.linears import PackedLinear, QuantizedLinear, pack_linears

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


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("rows", [1, 7, 300])
@pytest.mark.parametrize("bias", [False, True])
def test_a_quantized_linear_is_within_two_percent(
    dtype: torch.dtype, rows: int, bias: bool
) -> None:
    torch.manual_seed(rows)
    linear = nn.Linear(256, 128, bias=bias, dtype=dtype)
    inputs = torch.randn(1, rows, 256, dtype=dtype)
    expected = nn.functional.linear(inputs.double(), linear.weight.double())
    if linear.bias is not None:
        expected += linear.bias.double()
    with torch.inference_mode():
        found = QuantizedLinear(linear)(inputs)
    assert found.dtype == dtype
    assert error(found, expected) < 0.02


def error(found: Tensor, expected: Tensor) -> float:
    return float((found.double() - expected.detach()).norm() / expected.detach().norm())


def test_an_outlier_costs_only_its_own_token_precision() -> None:
    linear = nn.Linear(64, 64)
    inputs = torch.randn(2, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        alone = QuantizedLinear(linear)(inputs[:1])
        inputs[1] *= 1e4
        inputs[1, 3] = 1e9
        together = QuantizedLinear(linear)(inputs)
    torch.testing.assert_close(together[:1], alone, rtol=1e-6, atol=1e-6)


def test_a_token_of_zeros_has_the_bias() -> None:
    linear = nn.Linear(64, 64)
    with torch.inference_mode():
        assert torch.equal(QuantizedLinear(linear)(torch.zeros(1, 64))[0], linear.bias)


def test_an_int8_engine_answers_nearly_as_in_float32_whatever_the_batch() -> None:
    labels = SamplingParameters(choices=("positive", "negative", "neutral"))
    words = ["lovely", "awful", "fine", "too small", "great value", "broken", "soft", "late"]
    prompts = [f"Is this review positive?\n\nreview: It is {word}.\n" for word in words]

    def start(**settings: str) -> LLMEngine:
        return LLMEngine(EngineConfig(str(demo_model.path()), threads=1, **settings))  # type: ignore[arg-type]

    exact = start(dtype="float32").generate(prompts, labels)
    engine = start(dtype="float32", quantization="int8")
    assert QuantizedLinear in {type(module) for module in engine._decoder._model.modules()}
    found = engine.generate(prompts, labels)
    distances = np.abs(
        np.array([result.probabilities for result in found])
        - np.array([result.probabilities for result in exact])
    )
    assert 0 < distances.mean() < 0.1
    engine.reset_prefix_cache()
    (alone,) = engine.generate(prompts[-1:], labels)
    assert alone.probabilities == pytest.approx(found[-1].probabilities, abs=1e-5)


def test_int8_is_for_processors_only() -> None:
    with pytest.raises(EngineConfigError, match="int8 is for device cpu, not for cuda"):
        EngineConfig("model", device="cuda", quantization="int8")
    with pytest.raises(EngineConfigError, match="quantization 'int4' is unknown: use none or int8"):
        EngineConfig("model", quantization="int4")
