"""What a plan is optimised for."""

from dataclasses import dataclass
from typing import Literal

Unit = Literal["tokens", "characters", "squares"]


@dataclass(frozen=True, slots=True)
class Measure:
    """The objective of a plan.

    `unit` is the worth of a cell: its tokens, its characters (of the value alone), or their square
    (the prefix hit count of arXiv 2403.05821). `partial` counts the common beginning of two
    different cells of one field as well, as a cache of tokens does. `cache_tokens` bounds the
    cache (None: unbounded, 0: only the previous row counts), `page` is its granularity in tokens,
    and `prefix_tokens` stands before every row (instruction and chat template).
    """

    unit: Unit = "tokens"
    partial: bool = True
    cache_tokens: int | None = None
    page: int = 1
    prefix_tokens: int = 0


CHARACTERS = Measure("characters", partial=False, cache_tokens=0)
SQUARES = Measure("squares", partial=False, cache_tokens=0)
