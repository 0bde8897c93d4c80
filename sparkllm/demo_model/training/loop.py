"""The training loop: deterministic from its seed, and able to go on from a checkpoint."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from transformers import PreTrainedModel

from sparkllm.demo_model.corpus.packed import PackedCorpus
from sparkllm.demo_model.training import schedule
from sparkllm.demo_model.training.batches import Batch, collate, epoch_batches
from sparkllm.demo_model.training.checkpoint import Progress, load_checkpoint, save_checkpoint
from sparkllm.demo_model.training.objective import Losses, losses
from sparkllm.demo_model.training.regularisation import drop_features


@dataclass(frozen=True, slots=True)
class Limit:
    """When to stop: after `steps`, or after `minutes` of training; the other one is 0.

    With `steps` two runs from the same seed are equal; with `minutes` the schedule follows the
    clock.
    """

    steps: int = 0
    minutes: float = 0.0

    def reached(self, progress: Progress) -> float:
        """Return how much of the run is done, from 0 to 1."""
        if self.steps:
            return min(1.0, progress.step / self.steps)
        return min(1.0, progress.seconds / (60 * self.minutes))


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train. `tokens` is the size of a batch, padding included; `dropout` the share of
    features and `replaced` the share of row tokens that are lost to the model while it learns;
    `free_later` by how much of the first epoch free answers come later than closed ones."""

    seed: int = 0
    tokens: int = 2048
    learning_rate: float = 4e-4
    weight_decay: float = 0.1
    clip: float = 1.0
    dropout: float = 0.0
    replaced: float = 0.05
    free_later: float = 0.35
    checkpoint_every: int = 100
    autocast: bool = True


class Trainer:
    """One run over a corpus.

    Args:
        model: A causal language model of transformers, with fresh weights; trained in place.
        corpus: The examples.
        recipe: Seed, batch size, learning rate.
        limit: Length of the whole run; the schedule is laid over it.
        pad: Id of the padding token.
        checkpoint: File to go on from where it exists, and to write to.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        corpus: PackedCorpus,
        recipe: Recipe,
        limit: Limit,
        *,
        pad: int,
        checkpoint: Path | None = None,
    ) -> None:
        self._model, self._corpus, self._recipe = model, corpus, recipe
        self._limit, self._pad, self._checkpoint = limit, pad, checkpoint
        self._trained = torch.nn.ModuleDict({"model": model})
        self._reader: torch.nn.Linear | None = None
        if size := corpus.features.shape[1]:
            torch.manual_seed(recipe.seed)
            device = next(model.parameters()).device
            self._reader = torch.nn.Linear(model.config.hidden_size, size, device=device)
            self._trained["reader"] = self._reader
        self._optimizer = _optimizer(self._trained, recipe)
        drop_features(model, recipe.dropout)
        self.progress = Progress()
        if checkpoint is not None and checkpoint.exists():
            self.progress = load_checkpoint(checkpoint, self._trained, self._optimizer)

    def run(self, stop_at_step: int | None = None) -> Progress:
        """Train up to the limit, or leave at a step to be continued; return the counters."""
        self._model.train()
        progress = self.progress
        with _bar() as bar:
            task = bar.add_task("training", total=1.0, note="")
            batches = self._batches()
            while self._limit.reached(progress) < 1 and progress.step != stop_at_step:
                start = time.monotonic()
                batch = collate(self._corpus, next(batches), self._pad)
                found = self._step(batch)
                progress.seconds += time.monotonic() - start
                progress.step += 1
                progress.tokens += int(batch.lengths.sum())
                self._note(found)
                rate = progress.tokens / max(progress.seconds, 1e-9)
                note = f"step {progress.step} loss {found.answer.item():.3f} {rate:.0f} tokens/s"
                bar.update(task, completed=self._limit.reached(progress), note=note)
        self._save()
        return progress

    def _batches(self) -> Iterator[NDArray[np.int64]]:
        progress, recipe = self.progress, self._recipe
        while True:
            batches = epoch_batches(
                self._corpus, recipe.seed, progress.epoch, recipe.tokens, recipe.free_later
            )
            for index in range(progress.position, len(batches)):
                progress.position = index + 1
                yield batches[index]
            progress.epoch, progress.position = progress.epoch + 1, 0

    def _step(self, batch: Batch) -> Losses:
        done, recipe = self._limit.reached(self.progress), self._recipe
        seed = recipe.seed * 1_000_003 + self.progress.step
        generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed)  # dropout draws from the global generator
        for group in self._optimizer.param_groups:
            group["lr"] = schedule.learning_rate(done, self._recipe.learning_rate)
        device = next(self._model.parameters()).device.type
        with torch.autocast(device, torch.bfloat16, enabled=self._recipe.autocast):
            found = losses(
                self._model,
                batch,
                schedule.TEXT_SHARE,
                generator,
                recipe.replaced,
                reader=self._reader,
            )
        torch.autograd.backward(
            found.answer
            + schedule.TEXT_WEIGHT * found.text
            + schedule.FEATURES_WEIGHT * found.features
        )
        torch.nn.utils.clip_grad_norm_(self._trained.parameters(), self._recipe.clip)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return found

    def _note(self, found: Losses) -> None:
        progress = self.progress
        values = (found.answer.item(), found.text.item(), found.features.item())
        progress.history.append((progress.step, progress.tokens, *values))
        if progress.step % self._recipe.checkpoint_every == 0:
            self._save()

    def _save(self) -> None:
        if self._checkpoint is not None:
            save_checkpoint(self._checkpoint, self.progress, self._trained, self._optimizer)


def _optimizer(model: torch.nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    parameters = list(model.parameters())
    matrices = [parameter for parameter in parameters if parameter.ndim > 1]
    vectors = [parameter for parameter in parameters if parameter.ndim <= 1]
    return torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": recipe.weight_decay},
            {"params": vectors, "weight_decay": 0.0},
        ],
        lr=recipe.learning_rate,
        betas=(0.9, 0.98),
        fused=True,
    )


def _bar() -> Bar:
    return Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
