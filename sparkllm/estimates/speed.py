"""How long an engine takes, fitted to what its queries took.

A roofline in units of one prompt token that has to be computed: the tokens of an answer come one
after the other, at the pace of the memory; tokens from the cache cost attention alone; and a call
costs something however short it is. What these cost in proportion is assumed until queries tell.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sparkllm.ledger import Usage

_UNITS = np.array([1.0, 0.05, 8.0, 20.0])  # computed, cached and answer tokens, calls
_NOISE = 0.1  # by how much, as a share, queries take longer or shorter than costs say
_DOUBT = 1.0  # by how much costs are off from their proportions
_ROUNDS = 500


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds of a prompt token to compute, one from the cache, one of an answer, and a call."""

    computed: float
    cached: float
    answer: float
    call: float

    def seconds(self, calls: float, prompt: float, cached: float, answer: float) -> float:
        """Return how long one engine takes for calls with these tokens."""
        return (
            (prompt - cached) * self.computed
            + cached * self.cached
            + answer * self.answer
            + calls * self.call
        )


def fit(queries: Iterable[tuple[Usage, float]]) -> Speed | None:
    """Fit the speed of one engine to queries with the seconds that it was busy with each.

    The relative errors of all queries count alike; costs stay near their assumed proportions as far
    as the queries allow. None where no query has made a call.
    """
    measured = [(_work(usage), busy) for usage, busy in queries if usage.calls and busy > 0]
    if not measured:
        return None
    work = np.array([one for one, _ in measured]) * _UNITS
    busy = np.array([seconds for _, seconds in measured])
    unit = float(np.exp(np.mean(np.log(busy / work.sum(1)))))
    relative = work / busy[:, None]
    costs = np.full(len(_UNITS), unit)
    pull = (_NOISE / (_DOUBT * unit)) ** 2
    for _ in range(_ROUNDS):  # coordinate descent, with costs that are never negative
        for place in range(len(costs)):
            others = relative @ costs - relative[:, place] * costs[place]
            gain = float(relative[:, place] @ (1 - others)) + pull * unit
            weight = float(relative[:, place] @ relative[:, place]) + pull
            costs[place] = max(0.0, gain / weight)
    return Speed(*(costs * _UNITS).tolist())


def _work(usage: Usage) -> Sequence[float]:
    computed = usage.prompt_tokens - usage.cached_tokens
    return computed, usage.cached_tokens, usage.output_tokens, usage.calls
