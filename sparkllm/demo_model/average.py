"""Average models of one line of training: `python -m sparkllm.demo_model.average OUT MODEL=SHARE`.

Weights that were trained on from one another lie in one basin; their mean errs less than each
(Wortsman et al. 2022, "Model soups").
"""

import argparse
import shutil
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

_WEIGHTS = "model.safetensors"


def average(models: Mapping[Path, float], out: Path) -> None:
    """Write the weighted mean of models with the same tensors; other files are those of the first.

    Args:
        models: folders and their shares, which sum to one.
        out: folder to write to.

    Raises:
        ValueError: shares don't sum to one, or models differ in names or shapes of tensors.
    """
    if abs(sum(models.values()) - 1) > 1e-6:
        raise ValueError(f"shares sum to {sum(models.values()):g}: they must sum to 1")
    first, *_ = models
    loaded = {folder: load_file(folder / _WEIGHTS) for folder in models}
    shapes = {name: tensor.shape for name, tensor in loaded[first].items()}
    for folder, tensors in loaded.items():
        if {name: tensor.shape for name, tensor in tensors.items()} != shapes:
            raise ValueError(f"{folder} has other tensors than {first}: average like models only")
    mean = {
        name: sum(
            (share * loaded[folder][name].float() for folder, share in models.items()),
            start=torch.zeros(shape),
        ).to(loaded[first][name].dtype)
        for name, shape in shapes.items()
    }
    if out != first:
        shutil.copytree(first, out, dirs_exist_ok=True)
    save_file(mean, out / _WEIGHTS, metadata={"format": "pt"})
    (out / _WEIGHTS).chmod(0o644)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("out", type=Path, help="folder to write to")
    parser.add_argument("models", nargs="+", metavar="MODEL=SHARE")
    arguments = parser.parse_args()
    parts = (model.rpartition("=") for model in arguments.models)
    average({Path(folder): float(share) for folder, _, share in parts}, arguments.out)


if __name__ == "__main__":
    main()
