"""What cutting a plan into parts for several executors costs: hits kept, and balance.

Every real table above 2,000 rows, as it is and with a value planted in 60% of its rows: the most
frequent one of the column whose repetition saves most. Hits are tokens that parts which start with
empty caches are served, as a share of those of the whole plan; balance is the largest part over
the mean, in tokens to compute.

    python -m benchmarks.prefix_partition --data ../shared/data/tables [--parts N]
        [--tokenizer PATH] [--quick] [--json PATH]
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.real_tables import add_arguments, real_tables
from sparkllm_optimizer.arrangement import saved_by_row
from sparkllm_optimizer.cells import Cells
from sparkllm_optimizer.pairs import pair_statistics
from sparkllm_optimizer.partition import cut
from sparkllm_optimizer.planner import arrange_by

FEWEST_ROWS = 2_000
PLANTED = 0.6
MOST_BALANCE = 1.15
LEAST_KEPT = 95.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """One table cut: share of the hits kept in percent, largest part over the mean."""

    case: str
    kept: float
    balance: float


def planted(cells: Cells) -> Cells:
    """Return a table in which one value stands in 60% of the rows."""
    column = int(np.argmax(pair_statistics(cells).saved))
    codes = cells.codes.copy()
    most = int(np.bincount(codes[:, column]).argmax())
    chosen = np.random.default_rng(0).random(cells.rows) < PLANTED
    codes[chosen, column] = most
    return Cells(cells.names, codes, cells.widths, cells.overlaps)


def outcome(case: str, cells: Cells, parts: int) -> Outcome:
    """Plan, cut, and count each part by itself."""
    arrangement = arrange_by(cells, "ours")
    pieces = cut(arrangement, cells, parts)
    whole = int(saved_by_row(arrangement, cells).sum())
    kept = [int(saved_by_row(piece, cells).sum()) for piece in pieces]
    work = [
        int(cells.take(piece.rows).total()) - served
        for piece, served in zip(pieces, kept, strict=True)
    ]
    return Outcome(case, 100 * sum(kept) / max(whole, 1), max(work) * parts / sum(work))


def outcomes(args: argparse.Namespace) -> Iterator[Outcome]:
    """Measure all tables that are large enough."""
    for read in real_tables(args):
        if read.in_tokens.rows > FEWEST_ROWS:
            yield outcome(read.name, read.in_tokens, args.parts)
            yield outcome(f"{read.name}, planted", planted(read.in_tokens), args.parts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_arguments(parser)
    parser.add_argument("--parts", type=int, default=8)
    parser.add_argument("--json", type=Path, help="write flat records here")
    args = parser.parse_args()
    print(f"{args.parts} parts (targets: {LEAST_KEPT:g}% kept, balance {MOST_BALANCE:g})")
    made = []
    for result in outcomes(args):
        print(f"  {result.case:34} {result.kept:7.2f}% kept, balance {result.balance:.3f}")
        for metric, value, unit in (("kept", result.kept, "%"), ("balance", result.balance, "")):
            made.append(
                {"benchmark": "prefix_partition", "case": result.case, "system": "ours",
                 "metric": metric, "value": value, "unit": unit}
            )  # fmt: skip
    if args.json:
        args.json.write_text("\n".join(map(json.dumps, made)) + "\n")


if __name__ == "__main__":
    main()
