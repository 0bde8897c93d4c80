"""What a plan is worth: tokens that the cache serves, simulated."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from sparkllm_optimizer.arrangement import Arrangement, saved_by_row
from sparkllm_optimizer.cache import RadixCache
from sparkllm_optimizer.cells import Cells, weigh
from sparkllm_optimizer.encoding import Integers, encode_table
from sparkllm_optimizer.measure import Measure
from sparkllm_optimizer.options import PlanOptions
from sparkllm_optimizer.plan import Plan, arrangement_of

Tokens = tuple[int, ...]
_PREFIX_TOKEN = -1


@dataclass(frozen=True, slots=True)
class Hits:
    """Units of all prompts, those shared with the row before, and those the cache serves."""

    prompt: int
    previous: int
    cached: int

    @property
    def previous_rate(self) -> float:
        """Share of the prompts in common with the row before."""
        return self.previous / self.prompt if self.prompt else 0.0

    @property
    def cached_rate(self) -> float:
        """Share of the prompts served by the cache: the prefix hit rate."""
        return self.cached / self.prompt if self.prompt else 0.0


def prefix_hits(plan: Plan, table: pa.Table, options: PlanOptions | None = None) -> Hits:
    """Count what a plan saves under the measure of the options.

    The cache is simulated token by token with the measure's budget, page and prefix; a budget of 0
    counts the row before alone.
    """
    options = options or PlanOptions()
    cells = weigh(encode_table(table), options.measure, options.tokenize, options.render)
    arrangement = arrangement_of(plan, cells.names)
    return count_hits(arrangement, cells, options.measure)


def count_hits(arrangement: Arrangement, cells: Cells, measure: Measure) -> Hits:
    """Count what an arrangement saves: see `prefix_hits`."""
    prefix = measure.prefix_tokens
    prompt = cells.total() + prefix * cells.rows
    previous = int(saved_by_row(arrangement, cells).sum()) + prefix * max(cells.rows - 1, 0)
    if measure.cache_tokens == 0:
        return Hits(prompt, previous, previous)
    served = serve(arrangement, cells, RadixCache(measure.cache_tokens, measure.page), prefix)
    return Hits(prompt, previous, sum(served))


def serve(
    arrangement: Arrangement, cells: Cells, cache: RadixCache, prefix_tokens: int = 0
) -> list[int]:
    """Send an arrangement through a cache; return what each row is served, in evaluation order."""
    tokens = [
        stand_in_tokens(w, o, c)
        for c, (w, o) in enumerate(zip(cells.widths, cells.overlaps, strict=True))
    ]
    prefix = tuple(range(_PREFIX_TOKEN, _PREFIX_TOKEN - prefix_tokens, -1))
    served = []
    codes = cells.codes[arrangement.rows]
    for row, fields in zip(codes.tolist(), arrangement.fields.tolist(), strict=True):
        prompt = list(prefix)
        for column in fields:
            prompt += tokens[column][row[column]]
        served.append(cache.serve(prompt))
    return served


def stand_in_tokens(widths: Integers, overlaps: Integers, column: int) -> Sequence[Tokens]:
    """Make up tokens for ranked values [distinct] with these widths and common beginnings.

    Two values share as many tokens as the least overlap between their ranks, as real ones do.
    """
    made: list[Tokens] = []
    before: Tokens = ()
    fresh = 0
    for width, overlap in zip(widths.tolist(), overlaps.tolist(), strict=True):
        kept = min(overlap, width, len(before))
        # Columns are far apart in the numbering; the last token of a value is its own.
        new = range(fresh, fresh + width - kept)
        before = before[:kept] + tuple((token << 10) + column for token in new)
        fresh += width - kept
        made.append(before)
    return made
