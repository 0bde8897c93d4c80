import sparkllm_engine.before_torch  # noqa: F401

# isort: split
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, PreTrainedModel

from sparkllm_engine import EngineConfig, LLMEngine
from tests.device import DEVICE
from tests.engine.models import FAMILIES, save_model

EngineMaker = Callable[..., LLMEngine]


@pytest.fixture(autouse=True)
def one_thread() -> None:
    """Tiny models: threads would only wait for each other."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return where the model of a family is saved."""
    saved: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in saved:
            name, _, chat = family.partition("+")
            path = tmp_path_factory.mktemp(family)
            saved[family] = save_model(path, FAMILIES[name], chat=bool(chat))
        return saved[family]

    return folder


@pytest.fixture(scope="session")
def reference(folders: Callable[[str], Path]) -> Callable[[str], PreTrainedModel]:
    """Return the model of a family as transformers runs it."""

    def load(family: str) -> PreTrainedModel:
        model = AutoModelForCausalLM.from_pretrained(
            folders(family), dtype=torch.float32, attn_implementation="eager"
        )
        return model.eval()

    return load


@pytest.fixture
def make_engine(folders: Callable[[str], Path]) -> EngineMaker:
    """Return an engine in float32 on one thread, with a small pool."""

    def make(family: str = "llama", **settings: Any) -> LLMEngine:
        defaults = {
            "device": DEVICE, "dtype": "float32", "threads": 1, "cache_bytes": 4 << 20,
            "token_budget": 64,
        }  # fmt: skip
        return LLMEngine(EngineConfig(str(folders(family)), **(defaults | settings)))

    return make
