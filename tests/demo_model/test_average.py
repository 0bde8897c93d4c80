"""The mean of models that were trained on from one another."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from sparkllm.demo_model.average import average


def _model(folder: Path, **tensors: list[float]) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    saved = {name: torch.tensor(values, dtype=torch.bfloat16) for name, values in tensors.items()}
    save_file(saved, folder / "model.safetensors")
    return folder


def test_each_number_is_the_weighted_mean(tmp_path: Path) -> None:
    one, two = _model(tmp_path / "one", a=[1.0, 2.0]), _model(tmp_path / "two", a=[5.0, -2.0])
    average({one: 0.75, two: 0.25}, tmp_path / "out")
    found = load_file(tmp_path / "out" / "model.safetensors")["a"]
    assert found.dtype == torch.bfloat16
    assert found.tolist() == [2.0, 1.0]
    assert (tmp_path / "out" / "config.json").exists()


def test_shares_that_do_not_sum_to_one_are_refused(tmp_path: Path) -> None:
    one = _model(tmp_path / "one", a=[1.0])
    with pytest.raises(ValueError, match=r"shares sum to 0\.5"):
        average({one: 0.5}, tmp_path / "out")


def test_models_of_other_shapes_are_refused(tmp_path: Path) -> None:
    one, two = _model(tmp_path / "one", a=[1.0]), _model(tmp_path / "two", a=[1.0, 2.0])
    with pytest.raises(ValueError, match="two has other tensors"):
        average({one: 0.5, two: 0.5}, tmp_path / "out")
