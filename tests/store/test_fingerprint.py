"""The fingerprint of a model changes with whatever its answers depend on."""

import os
from pathlib import Path

import pytest

from sparkllm_engine.store.fingerprint import model_fingerprint


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def model(folder: Path, weights: bytes = b"weights", tokenizer: str = "{}") -> str:
    folder.mkdir(exist_ok=True)
    (folder / "model.safetensors").write_bytes(weights)
    (folder / "tokenizer.json").write_text(tokenizer)
    return str(folder)


def test_copies_of_a_model_have_the_same_fingerprint(tmp_path: Path) -> None:
    one, other = model(tmp_path / "one"), model(tmp_path / "other")
    (tmp_path / "other" / "README.md").write_text("a copy")
    assert model_fingerprint(one) == model_fingerprint(other)


def test_other_weights_or_another_tokenizer_have_another(tmp_path: Path) -> None:
    models = [
        model(tmp_path / "one"),
        model(tmp_path / "two", weights=b"weighty"),
        model(tmp_path / "three", tokenizer='{"a": 1}'),
    ]
    assert len(set(map(model_fingerprint, models))) == 3


def test_a_model_that_is_trained_on_in_its_folder_has_another(tmp_path: Path) -> None:
    before = model_fingerprint(model(tmp_path / "one"))
    changed = model(tmp_path / "one", weights=b"changed")
    os.utime(Path(changed, "model.safetensors"), (1, 1))
    assert model_fingerprint(changed) != before


def test_what_is_no_folder_is_known_by_its_name() -> None:
    assert model_fingerprint("no-such/model") == "no-such/model@"
