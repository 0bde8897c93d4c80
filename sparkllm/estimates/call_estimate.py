"""The numbers of an operator's calls, estimated or counted."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sparkllm.ledger import Usage

_WIDTH = 16


@dataclass(frozen=True, slots=True)
class CallEstimate:
    """What the calls of one operator take.

    `rows` are those that a call is made for, `distinct` their different inputs; of the
    `prompt_tokens` the prefix cache serves `cached_tokens`. `seconds` are those of the engines
    (None: no query has told how fast they are), `money` is by the price list. `most` says which of
    the numbers are only known not to be higher.
    """

    rows: float
    distinct: float
    prompt_tokens: float
    cached_tokens: float
    output_tokens: float
    seconds: float | None
    money: float
    most: frozenset[str] = frozenset()

    @classmethod
    def counted(cls, usage: Usage, seconds: float | None) -> "CallEstimate":
        """Return what was counted; of the inputs those that reached the model."""
        return cls(
            usage.rows,
            usage.calls,
            usage.prompt_tokens,
            usage.cached_tokens,
            usage.output_tokens,
            seconds,
            usage.money,
        )

    def texts(self) -> list[str]:
        """Return the numbers as texts, in the order of `NAMES`."""
        numbers = [self.rows, self.distinct, self.prompt_tokens, self.cached_tokens]
        shown = [f"{number:,.0f}" for number in (*numbers, self.output_tokens)]
        shown.append("unknown" if self.seconds is None else _seconds(self.seconds))
        shown.append(f"{self.money:,.4g}")
        return [
            f"≤ {text}" if name in self.most and text != "unknown" else text
            for name, text in zip(NAMES, shown, strict=True)
        ]

    @property
    def line(self) -> str:
        """All numbers in one line."""
        return ", ".join(f"{name} {text}" for name, text in zip(NAMES, self.texts(), strict=True))


NAMES = (
    "rows",
    "distinct inputs",
    "prompt tokens",
    "from cache",
    "answer tokens",
    "seconds",
    "money",
)


def table(columns: Sequence[tuple[str, CallEstimate]]) -> str:
    """Return estimates side by side, with their titles."""
    head = " " * _WIDTH + "".join(f"{title:>{_WIDTH}}" for title, _ in columns)
    cells = [estimate.texts() for _, estimate in columns]
    lines = [
        f"{name:{_WIDTH}}" + "".join(f"{texts[place]:>{_WIDTH}}" for texts in cells)
        for place, name in enumerate(NAMES)
    ]
    return "\n".join([head, *lines])


def grown(whole: float, half: float, factor: float) -> float:
    """Return what a count over a sample is over `factor` times as many inputs.

    Between half of the sample and all of it the count grew by some power of the inputs (Heaps'
    law); the same power holds beyond.
    """
    if factor <= 1 or whole <= 0:
        return whole
    power = math.log2(whole / half) if half > 0 else 1.0
    return float(whole * factor ** min(max(power, 0.0), 1.0))


def _seconds(seconds: float) -> str:
    return f"{seconds:,.2f}" if seconds < 10 else f"{seconds:,.0f}"
