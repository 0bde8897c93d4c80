"""What can't be served is refused in one sentence that names it, before any row runs."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import transformers
from transformers import PretrainedConfig

from sparkllm_engine import EngineConfig, EngineConfigError, LLMEngine, SamplingParameters
from tests.engine.models import VOCABULARY, save_model, tiny_tokenizer

SMALL = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 256,
    "eos_token_id": 1,
    "bos_token_id": None,
    "pad_token_id": None,
}
REFUSED: dict[str, tuple[PretrainedConfig, str]] = {
    "gpt_oss": (transformers.GptOssConfig(**SMALL, num_local_experts=4), "GptOss.*attention sinks"),
    "llama4": (
        transformers.Llama4TextConfig(**(SMALL | {"pad_token_id": 0}), num_local_experts=2),
        "Llama4ForCausalLM.*chunked_attention",
    ),
    "bloom": (
        transformers.BloomConfig(
            vocab_size=VOCABULARY,
            hidden_size=32,
            n_layer=2,
            n_head=4,
            bos_token_id=0,
            eos_token_id=1,
        ),
        "BloomForCausalLM",
    ),
    "bert": (
        transformers.BertConfig(
            vocab_size=VOCABULARY,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=48,
        ),
        "Bert",
    ),
    "mamba": (
        transformers.MambaConfig(
            vocab_size=VOCABULARY,
            hidden_size=32,
            num_hidden_layers=2,
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=0,
        ),
        "MambaForCausalLM",
    ),
}


def start(model: Path | str, **settings: object) -> LLMEngine:
    return LLMEngine(EngineConfig(str(model), threads=1, cache_bytes=1 << 20, **settings))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", list(REFUSED))
def test_an_architecture_that_cannot_be_served_is_named(name: str, tmp_path: Path) -> None:
    config, message = REFUSED[name]
    save_model(tmp_path, config)
    with pytest.raises(EngineConfigError, match=message):
        start(tmp_path)


def test_an_encoder_decoder_is_refused(tmp_path: Path) -> None:
    transformers.T5Config(vocab_size=VOCABULARY).save_pretrained(tmp_path)
    with pytest.raises(EngineConfigError, match="not a decoder but t5"):
        start(tmp_path)


@pytest.mark.parametrize("name", ["no/such-model", "/no/such/folder"])
def test_a_model_that_is_not_there_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(EngineConfigError, match=f"model '{name}' was not found"):
        start(name)


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineConfigError, match=str(tmp_path)):
        start(tmp_path)


def test_a_model_without_a_tokenizer_is_named(tmp_path: Path) -> None:
    save_model(tmp_path, transformers.LlamaConfig(**SMALL))
    for file in tmp_path.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(EngineConfigError, match="tokenizer"):
        start(tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dtype": "float8"}, "dtype 'float8'"),
        ({"token_budget": 0}, "token_budget is 0"),
        ({"max_running": 0}, "max_running is 0"),
        ({"cache_bytes": -1}, "cache_bytes is -1"),
        ({"threads": -2}, "threads is -2"),
    ],
)
def test_values_out_of_range_are_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(EngineConfigError, match=message):
        EngineConfig("model", **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"max_model_length": 257}, "the context of model .* is 256 tokens"),
        ({"cache_bytes": 10}, "one token of this model takes 256"),
        ({"device": "nonsense"}, "device 'nonsense'"),
    ],
)
def test_values_that_do_not_fit_the_model_are_named(
    folders: Callable[[str], Path], settings: dict[str, object], message: str
) -> None:
    with pytest.raises(EngineConfigError, match=message):
        LLMEngine(EngineConfig(str(folders("llama")), dtype="float32", threads=1, **settings))  # type: ignore[arg-type]


def test_all_end_tokens_of_the_generation_configuration_end_an_answer(tmp_path: Path) -> None:
    save_model(tmp_path, transformers.LlamaConfig(**SMALL))
    engine = start(tmp_path, dtype="float32")
    (free,) = engine.generate(["Great"], SamplingParameters(max_tokens=9))
    first = tiny_tokenizer()(free.text or "")["input_ids"][0]
    transformers.GenerationConfig(eos_token_id=[1, first]).save_pretrained(tmp_path)
    (ended,) = start(tmp_path, dtype="float32").generate(["Great"])
    assert (ended.text, ended.finish_reason, ended.output_tokens) == ("", "stop", 0)


def test_the_package_loads_without_torch() -> None:
    code = (
        "import sys, sparkllm_engine; from sparkllm_engine import EngineConfig, Request;"
        "assert 'torch' not in sys.modules and 'transformers' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_large_pool_takes_memory_only_as_it_is_written(
    folders: Callable[[str], Path],
) -> None:
    before = psutil.Process().memory_info().rss
    LLMEngine(EngineConfig(str(folders("llama")), device="cpu", threads=1, cache_bytes=2 << 30))
    assert psutil.Process().memory_info().rss - before < 1 << 29
