"""The engine with a real model behind the process boundary."""

from pathlib import Path

import pyarrow as pa
import pytest

from sparkllm import demo_model
from sparkllm.client import EngineSettings, EngineStartError, open_exchange
from sparkllm_engine import EngineConfig, LLMEngine, SamplingParameters
from tests.client.scenery import identity, prompts, settings

CHOICES = ("positive", "negative")
REVIEWS = [f'review: "{text}"' for text in ("Lovely.", "Broke at once!", "It's fine", "")] * 5


def real(directory: Path, **changes: object) -> EngineSettings:
    """Return settings of `LLMEngine` with the model that ships."""
    sizes = {"token_budget": 256, "cache_bytes": 1 << 26}
    model = str(demo_model.path())
    return settings(directory, **{"implementation": "", "model": model, **sizes, **changes})


def test_the_process_answers_as_the_engine_does_without_it(directory: Path) -> None:
    asked = prompts([*REVIEWS, "word " * 20_000])
    with open_exchange(real(directory), {"choices": CHOICES}, identity()) as exchange:
        through_process = exchange.submit(asked).result()
    engine = LLMEngine(
        EngineConfig(str(demo_model.path()), threads=1, token_budget=256, cache_bytes=1 << 26)
    )
    pieces = pa.array(asked.to_pylist()).to_pylist()
    direct = engine.generate(pieces, SamplingParameters(choices=CHOICES))
    assert through_process["text"].to_pylist() == [result.text for result in direct]
    assert through_process["error_code"].to_pylist() == [result.error_code for result in direct]
    assert through_process["error_code"].to_pylist()[-1] == "OVERFLOW"
    assert set(through_process["text"].to_pylist()[:-1]) <= set(CHOICES)


def test_a_model_that_is_not_there_is_an_error_that_names_it(directory: Path) -> None:
    with (
        open_exchange(real(directory, model="/no/such/model"), {}, identity()) as exchange,
        pytest.raises(EngineStartError, match=r"/no/such/model.*log: "),
    ):
        exchange.submit(prompts(["a"])).result()
