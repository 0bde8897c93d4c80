"""With a store at a path, a model that has started here before is loaded when a row needs it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
import pytest

from sparkllm import demo_model
from sparkllm.client import EngineSettings, EngineStartError, open_exchange
from tests.client.scenery import endpoint, engines, eventually, identity, prompts, settings

pytestmark = pytest.mark.timeout(300)
CHOICES = ("positive", "negative")
REVIEWS = [f'review: "number {number} is lovely"' for number in range(20)]


@pytest.fixture(scope="module")
def answered() -> Iterator[Path]:
    """A folder with a model, the user's cache, and answers of an engine that is gone."""
    with TemporaryDirectory(prefix="sparkllm-") as name, pytest.MonkeyPatch.context() as patch:
        place = Path(name)
        patch.setenv("XDG_CACHE_HOME", str(place / "cache"))
        shutil.copytree(demo_model.path(), place / "model")
        engine = place / "engine"
        engine.mkdir()
        assert ask(with_store(place, engine), REVIEWS)[1] == [False] * len(REVIEWS)
        assert has_loaded_torch(engine)
        end_engine(engine)
        yield place


@pytest.fixture
def stored(answered: Path, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Settings with which the reviews have been answered."""
    shutil.copytree(answered / "cache", directory / "cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(directory / "cache"))
    yield with_store(answered, directory)
    end_engine(directory)


@pytest.fixture
def damaged_model(answered: Path) -> Iterator[Path]:
    """The model with weights that can't be read, though size and time of the file are the same."""
    weights = answered / "model" / "model.safetensors"
    before, content = weights.stat(), weights.read_bytes()
    times = before.st_atime_ns, before.st_mtime_ns
    weights.write_bytes(bytes(before.st_size))
    os.utime(weights, ns=times)
    yield answered / "model"
    weights.write_bytes(content)
    os.utime(weights, ns=times)


def with_store(place: Path, directory: Path) -> EngineSettings:
    """Return settings of an engine with the model and the answers in `place`."""
    return settings(
        directory,
        implementation="",
        model=str(place / "model"),
        token_budget=256,
        cache_bytes=1 << 26,
        store_path=str(place / "answers"),
    )


def ask(real: EngineSettings, reviews: list[str]) -> tuple[list[str], list[bool]]:
    """Return the answers, and for each whether it came from the store."""
    with open_exchange(real, {"choices": CHOICES}, identity()) as exchange:
        results = exchange.submit(prompts(reviews)).result()
    assert results["error_code"].null_count == len(reviews)
    return results["text"].to_pylist(), results["stored"].to_pylist()


def has_loaded_torch(directory: Path) -> bool:
    maps = psutil.Process(endpoint(directory).process.pid).memory_maps()
    return any("libtorch" in mapped.path for mapped in maps)


def end_engine(directory: Path) -> None:
    for process in engines(directory):
        process.terminate()
        process.wait(30)


def test_the_model_is_loaded_when_a_row_is_not_in_the_store(
    stored: EngineSettings, directory: Path
) -> None:
    known, from_store = ask(stored, REVIEWS)
    assert from_store == [True] * len(REVIEWS)
    assert not has_loaded_torch(directory)
    answers, from_store = ask(stored, [*REVIEWS, 'review: "It broke at once"'])
    assert from_store == [True] * len(REVIEWS) + [False]
    assert answers[:-1] == known
    assert answers[-1] in CHOICES
    assert has_loaded_torch(directory)


def test_a_model_that_was_damaged_since_is_one_error_and_suspects_no_row(
    stored: EngineSettings, directory: Path, damaged_model: Path
) -> None:
    with pytest.raises(EngineStartError) as caught:
        ask(stored, ['review: "It is broken now"'])
    assert str(damaged_model) in caught.value.message
    assert eventually(lambda: not engines(directory))
    (log,) = directory.glob("*/*.log")
    assert "they go apart" not in log.read_text()
