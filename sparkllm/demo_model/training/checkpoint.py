"""Where a run stands, on disk, so that it can go on."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch


@dataclass(slots=True)
class Progress:
    """Counters of a run: `position` is the next batch in its epoch; `seconds` of all its parts;
    `history` holds (step, tokens, answer loss, text loss, features loss)."""

    step: int = 0
    epoch: int = 0
    position: int = 0
    tokens: int = 0
    seconds: float = 0.0
    history: list[tuple[int, int, float, float, float]] = field(default_factory=list)


def save_checkpoint(
    path: Path, progress: Progress, model: torch.nn.Module, optimizer: torch.optim.Optimizer
) -> None:
    """Write a checkpoint; a reader sees the old one or the new one, never half of one."""
    body: dict[str, Any] = {
        "progress": [getattr(progress, name) for name in Progress.__slots__],
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    partial = path.with_suffix(".partial")
    torch.save(body, partial)
    partial.replace(path)


def load_checkpoint(
    path: Path, model: torch.nn.Module, optimizer: torch.optim.Optimizer
) -> Progress:
    """Put the checkpoint into the model and the optimizer; return its progress."""
    body = torch.load(path, weights_only=True)
    model.load_state_dict(body["model"])
    optimizer.load_state_dict(body["optimizer"])
    return Progress(*body["progress"])
