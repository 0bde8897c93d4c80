"""GGR as its authors released it, run from a checkout of theirs in a process of its own.

The checkout is that of github.com/lynnliu030/ADRS (its solver stands in
openevolve/examples/ADRS/llm_sql; commit 2d7047e was measured). None of it is part of this project.
It runs at the settings that its own evaluation uses: groups of at least 100,000 hits, row depth 4,
column depth 2, columns with more than 70% distinct values set aside, pieces of 2,000 rows in
parallel processes, and columns that determine each other declared by hand. Here they are found for
it, and the time for that isn't counted. Its result has no row ids and mislabels fields, so it is
judged as it comes: values in the order in which they stand.

    python -m benchmarks.released_ggr CHECKOUT TABLE.parquet    # one JSON object
"""

import argparse
import contextlib
import io
import json
import resource
import subprocess
import sys
import time
import warnings
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from sparkllm_optimizer.cells import weigh
from sparkllm_optimizer.encoding import encode_table
from sparkllm_optimizer.measure import CHARACTERS
from sparkllm_optimizer.orders.ties import merge_tied_columns
from sparkllm_optimizer.pairs import pair_statistics

FOLDER = Path("openevolve", "examples", "ADRS", "llm_sql")
SETTINGS = {
    "early_stop": 100_000,
    "distinct_value_threshold": 0.7,
    "row_stop": 4,
    "col_stop": 2,
}


@dataclass(frozen=True, slots=True)
class ReleasedOutcome:
    """What the released solver took and made.

    `processor` seconds are of all its processes, `wall` seconds on the clock, `characters` the
    characters in common with the row before, in percent. `failed` is its error, if it raised one.
    """

    processor: float = 0.0
    wall: float = 0.0
    characters: float = 0.0
    failed: str = ""


def run_released(checkout: Path, table: Path) -> ReleasedOutcome:
    """Run the released solver on a table in a new process."""
    command = [sys.executable, "-m", "benchmarks.released_ggr", str(checkout), str(table)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return ReleasedOutcome(failed=done.stderr.strip().splitlines()[-1])
    return ReleasedOutcome(**json.loads(done.stdout))


def solve(checkout: Path, table: Path) -> ReleasedOutcome:
    """Run the released solver here; raises what it raises."""
    folder = checkout / FOLDER
    if not (folder / "initial_program.py").is_file():
        raise FileNotFoundError(
            f"no released GGR in {folder}: --ggr-checkout takes a clone of "
            "https://github.com/lynnliu030/ADRS"
        )
    sys.path.insert(0, str(folder))
    from initial_program import Evolved  # type: ignore[import-not-found]

    frame = pd.read_parquet(table)
    merged = _ties(table)
    warnings.simplefilter("ignore")
    before, start = _processor(), time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        ordered, _ = Evolved().reorder(frame.copy(), col_merge=merged, **SETTINGS)
    wall = time.perf_counter() - start
    return ReleasedOutcome(_processor() - before, wall, _character_rate(ordered))


def _ties(table: Path) -> list[list[str]]:
    """Columns that determine each other, by name; those with a NULL it refuses to merge."""
    cells = weigh(encode_table(pq.read_table(table)), CHARACTERS)
    classes = merge_tied_columns(cells, pair_statistics(cells)).classes
    names = [[cells.names[column] for column in members] for members in classes]
    whole = pd.read_parquet(table).notna().all()
    return [tied for tied in names if len(tied) > 1 and whole[tied].all()]


def _processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def _character_rate(ordered: Any) -> float:
    rows = ordered.fillna("").astype(str).to_numpy().tolist()
    shared = 0
    for before, row in pairwise(rows):
        for left, right in zip(before, row, strict=True):
            if left != right:
                break
            shared += len(right)
    return 100 * shared / sum(len(cell) for row in rows for cell in row)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("table", type=Path)
    args = parser.parse_args()
    print(json.dumps(asdict(solve(args.checkout, args.table))))


if __name__ == "__main__":
    main()
