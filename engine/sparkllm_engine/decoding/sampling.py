"""Drawing the next token of each row from its logits."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from sparkllm_engine.request import SamplingParameters

_ENTROPY = np.random.default_rng()


@dataclass(frozen=True, slots=True)
class Draw:
    """What one row draws: its parameters, and how many tokens it drew before."""

    parameters: SamplingParameters
    position: int


def draw_tokens(logits: Tensor, draws: list[Draw]) -> list[int]:
    """Return one token id for each row.

    A seeded draw depends on the seed, the position in the answer and the row's own logits only.

    Args:
        logits: `[rows, vocabulary]`, float32.
        draws: one for each row.
    """
    tokens: list[int] = logits.argmax(dim=-1).tolist()
    drawn = [row for row, draw in enumerate(draws) if draw.parameters.temperature > 0]
    for row in drawn:
        tokens[row] = _draw(logits[row], draws[row])
    return tokens


def _draw(logits: Tensor, draw: Draw) -> int:
    scaled = logits.double() / draw.parameters.temperature
    scaled, order = _candidates(scaled, draw.parameters)
    cumulative = torch.softmax(scaled, dim=0).cumsum(0).numpy(force=True)
    if order is not None:
        # The smallest set that reaches top_p: all tokens before which less has gathered.
        cumulative = cumulative[: int(np.searchsorted(cumulative, draw.parameters.top_p)) + 1]
    point = _uniform(draw) * cumulative[-1]
    chosen = min(int(np.searchsorted(cumulative, point, side="right")), len(cumulative) - 1)
    return chosen if order is None else int(order[chosen])


def _candidates(scaled: Tensor, parameters: SamplingParameters) -> tuple[Tensor, Tensor | None]:
    """Return the scores to draw from, likely ones first, and their token ids; None for all."""
    if parameters.top_k:
        top = scaled.topk(min(parameters.top_k, len(scaled)))
        return top.values, top.indices
    if parameters.top_p < 1:
        ranked = scaled.sort(descending=True)
        return ranked.values, ranked.indices
    return scaled, None


def _uniform(draw: Draw) -> float:
    """Return a number in [0, 1): the one of this seed and position, or a fresh one."""
    if draw.parameters.seed is None:
        return float(_ENTROPY.random())
    # Philox is counter-based: each position is a state of its own, no state travels with the row.
    philox = np.random.Philox(key=draw.parameters.seed, counter=draw.position)
    return float(np.random.Generator(philox).random())
