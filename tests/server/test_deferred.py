"""The note of a start stands for the engine until a row needs it, while nothing has changed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sparkllm_engine import EngineConfig, EngineError
from sparkllm_engine.server.deferred import DeferredEngine, provide_engine
from sparkllm_engine.server.loop import Engine
from tests.engines import DigestEngine


class KnownEngine(DigestEngine):
    """Says what determines its answers."""

    def __init__(self, config: EngineConfig, dtype: str) -> None:
        super().__init__(config)
        self.identity = {"dtype": dtype}


class Scene:
    """A model's folder, and how often an engine was made for it."""

    def __init__(self, folder: Path) -> None:
        self.config: dict[str, object] = {"model": str(folder), "cache_bytes": 1}
        self.made = 0
        self.arithmetic: str | None = "float32"

    def make(self) -> Engine:
        if self.arithmetic is None:
            raise EngineError("the model can't be loaded")
        self.made += 1
        return KnownEngine(EngineConfig("model"), self.arithmetic)

    def provide(self, implementation: str = "") -> tuple[Engine, str]:
        return provide_engine(self.make, implementation, self.config, defer=True)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    return Scene(folder)


def test_an_engine_is_made_at_once_the_first_time_and_when_it_is_needed_the_second(
    scene: Scene,
) -> None:
    _, first = scene.provide()
    assert scene.made == 1
    engine, second = scene.provide()
    assert (second, scene.made) == (first, 1)
    assert not engine.has_unfinished
    assert isinstance(engine, DeferredEngine)
    engine.start()
    engine.start()
    assert scene.made == 2
    assert isinstance(scene.provide()[0], DeferredEngine)


def new_weights(scene: Scene) -> None:
    weights = Path(str(scene.config["model"]), "model.safetensors")
    os.utime(weights, (1, 1))


def another_configuration(scene: Scene) -> None:
    scene.config["cache_bytes"] = 2


def another_gpu(scene: Scene) -> None:
    os.environ["CUDA_VISIBLE_DEVICES"] = "another"


@pytest.mark.parametrize("change", [new_weights, another_configuration, another_gpu])
def test_it_is_made_at_once_after_a_change(
    scene: Scene, change: Callable[[Scene], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    scene.provide()
    change(scene)
    scene.provide()
    assert scene.made == 2


def test_other_implementations_are_made_at_once(scene: Scene) -> None:
    for _ in range(2):
        scene.provide("tests.engines:DigestEngine")
    assert scene.made == 2


def test_an_engine_that_gives_other_answers_than_before_is_not_used_unseen(scene: Scene) -> None:
    scene.provide()
    engine, _ = scene.provide()
    scene.arithmetic = "bfloat16"
    assert isinstance(engine, DeferredEngine)
    with pytest.raises(EngineError, match=r"bfloat16.*float32"):
        engine.start()
    _, identity = scene.provide()
    assert "bfloat16" in identity
    assert scene.made == 3


def test_a_start_that_fails_leaves_no_note(scene: Scene) -> None:
    scene.provide()
    engine, _ = scene.provide()
    assert isinstance(engine, DeferredEngine)
    scene.arithmetic = None
    with pytest.raises(EngineError, match="can't be loaded"):
        engine.start()
    with pytest.raises(EngineError, match="can't be loaded"):
        scene.provide()
