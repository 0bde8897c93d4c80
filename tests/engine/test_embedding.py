"""Embeddings are what transformers makes of a text, alone or among others."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from numpy.testing import assert_allclose

from sparkllm_engine import EngineConfig, EngineConfigError, Request, Result, SamplingParameters
from sparkllm_engine.embedding.engine import EmbeddingEngine
from tests.device import DEVICE
from tests.engine.conftest import EngineMaker
from tests.engine.models import ENCODERS, FAMILIES, SENTENCES, hidden_state, save_encoder

EMBEDDING = SamplingParameters(embedding=True)
TEXTS = [*SENTENCES, "Great value", "é", 'a b\nc: "d"\n', SENTENCES[0] + " " + SENTENCES[1]]


@pytest.fixture(params=list(ENCODERS))
def encoder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return save_encoder(tmp_path, str(request.param))


def embed(engine: Any, texts: list[str]) -> list[Result]:
    for number, text in enumerate(texts):
        engine.add(Request(number, (text,), EMBEDDING))
    results: list[Result] = []
    while engine.has_unfinished:
        results += engine.step()
    return sorted(results, key=lambda result: result.id)


def config(folder: Path, **settings: Any) -> EngineConfig:
    return EngineConfig(str(folder), device=DEVICE, dtype="float32", threads=1, **settings)


@pytest.mark.parametrize("family", list(FAMILIES))
def test_a_decoder_gives_the_hidden_state_of_the_last_token(
    family: str, make_engine: EngineMaker, folders: Callable[[str], Path]
) -> None:
    results = embed(make_engine(family), TEXTS)
    for text, result in zip(TEXTS, results, strict=True):
        assert_allclose(result.embedding, hidden_state(folders(family), text, "last"), atol=2e-5)
        assert (result.text, result.finish_reason) == ("", "embedding")


def test_a_decoder_embeds_and_answers_in_the_same_steps(
    make_engine: EngineMaker, folders: Callable[[str], Path]
) -> None:
    engine = make_engine("llama+chat", token_budget=512)
    alone = engine.generate([TEXTS[0]])[0].text
    for number, text in enumerate(TEXTS):
        engine.add(Request(2 * number, (text,), EMBEDDING))
        engine.add(Request(2 * number + 1, (text,)))
        engine.add(Request(1000 + number, (text,), SamplingParameters(choices=("yes", "no"))))
    results: dict[int, Result] = {}
    while engine.has_unfinished:
        results |= {result.id: result for result in engine.step()}
    assert results[1].text == alone
    assert results[1].embedding is None
    for number, text in enumerate(TEXTS):
        wanted = hidden_state(folders("llama+chat"), text, "last")
        assert_allclose(results[2 * number].embedding, wanted, atol=2e-5)
        assert results[1000 + number].finish_reason == "choice"


def test_a_prefix_in_the_cache_gives_the_same_embedding(make_engine: EngineMaker) -> None:
    engine = make_engine("qwen3")
    first = embed(engine, [TEXTS[0]])[0]
    longer, again = embed(engine, [TEXTS[0] + " And more.", TEXTS[0]])
    assert again.cached_tokens > 0
    assert longer.cached_tokens > 0
    assert_allclose(again.embedding, first.embedding, atol=2e-5)


def test_an_encoder_gives_the_mean_of_its_hidden_states(encoder: Path) -> None:
    engine = EmbeddingEngine(config(encoder, token_budget=70))
    for text, result in zip(TEXTS, embed(engine, TEXTS), strict=True):
        assert_allclose(result.embedding, hidden_state(encoder, text, "mean"), atol=2e-5)
    assert engine.statistics()["steps"] > 2


@pytest.mark.parametrize(
    ("mode", "pooling"), [("cls_token", "first"), ("mean_tokens", "mean"), ("lasttoken", "last")]
)
def test_a_sentence_transformers_folder_says_how_it_is_pooled(
    mode: str, pooling: str, tmp_path: Path
) -> None:
    folder = save_encoder(tmp_path, pooling=mode)
    engine = EmbeddingEngine(config(folder))
    assert engine.identity["pooling"] == pooling
    for text, result in zip(TEXTS, embed(engine, TEXTS), strict=True):
        assert_allclose(result.embedding, hidden_state(folder, text, pooling), atol=2e-5)


def test_pooling_or_modules_that_are_not_known_are_refused(tmp_path: Path) -> None:
    folder = save_encoder(tmp_path, pooling="max_tokens")
    with pytest.raises(EngineConfigError, match="pools by pooling_mode_max_tokens"):
        EmbeddingEngine(config(folder))
    modules = folder / "modules.json"
    modules.write_text(modules.read_text().replace("models.Pooling", "models.Dense"))
    with pytest.raises(EngineConfigError, match="has a module Dense"):
        EmbeddingEngine(config(folder))


def test_special_tokens_in_a_text_are_text(tmp_path: Path) -> None:
    folder = save_encoder(tmp_path)
    engine = EmbeddingEngine(config(folder))
    inert, split = embed(engine, ["a <|end|> b", "a <|"])
    assert inert.prompt_tokens > split.prompt_tokens > 3


@pytest.mark.parametrize("family", list(ENCODERS))
def test_a_text_as_long_as_there_are_positions_is_embedded_and_a_longer_one_overflows(
    family: str, tmp_path: Path
) -> None:
    folder = save_encoder(tmp_path, family)
    engine = EmbeddingEngine(config(folder))
    [short] = embed(engine, ["~" * 20])
    spare = 130 - (2 if family in ("roberta", "mpnet") else 0) - short.prompt_tokens
    fits, overflows = embed(engine, ["~" * (20 + spare), "~" * (21 + spare)])
    assert fits.embedding is not None
    assert (overflows.error_code, overflows.embedding) == ("OVERFLOW", None)
    assert overflows.most_tokens == fits.prompt_tokens


def test_texts_that_have_no_embedding_are_errors_of_their_own(
    make_engine: EngineMaker, tmp_path: Path
) -> None:
    decoder, encoder = make_engine(), EmbeddingEngine(config(save_encoder(tmp_path)))
    for engine in (decoder, encoder):
        broken, fine = embed(engine, ["\ud800", "fine"])
        assert broken.error_code == "INVALID_INPUT"
        assert fine.embedding is not None
    [nothing] = embed(decoder, [""])
    assert nothing.error_code == "INVALID_INPUT"
    assert "no tokens" in (nothing.error_message or "")
    [too_long] = embed(decoder, ["~" * 300])
    assert too_long.error_code == "OVERFLOW"
    encoder.add(Request(0, ("Say hello.",)))
    [text] = encoder.step()
    assert text.error_code == "INVALID_CALL"


def test_an_embedding_with_choices_is_refused(make_engine: EngineMaker) -> None:
    engine = make_engine()
    both = SamplingParameters(embedding=True, choices=("a", "b"))
    engine.add(Request(0, ("text",), both))
    [result] = engine.step()
    assert result.error_code == "INVALID_CALL"
