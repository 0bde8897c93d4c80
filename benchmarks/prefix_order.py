"""Prefix hit rate and planning time of row and field orders on real tables.

Every order is judged by the same simulators: tokens (GPT-2) served by a radix cache without bound
and with room for 64k and 8k tokens, and characters in common with the row before. The limit is the
best that any order could reach in characters: a maximum spanning tree over the rows, each edge
worth the cells that two rows have in common. Times are processor seconds of the planning alone,
without tokenising; no order uses more than one thread.

    python -m benchmarks.prefix_order --data ../shared/data/tables [--tokenizer PATH] [--full]
                                      [--quick] [--json PATH]

GGR is run as published (stops at row depth 4, column depth 2, 100,000 hits) and, on small tables or
with --full, without stops, which takes minutes on large ones.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
from tokenizers import Tokenizer

from sparkllm_optimizer.arrangement import Arrangement, as_written
from sparkllm_optimizer.cells import Cells, weigh
from sparkllm_optimizer.encoding import encode_table
from sparkllm_optimizer.hits import count_hits
from sparkllm_optimizer.measure import CHARACTERS, Measure
from sparkllm_optimizer.orders.ggr import NO_STOPS
from sparkllm_optimizer.planner import arrange_by

CACHES: dict[str, int | None] = {"tokens": None, "tokens, 64k": 65_536, "tokens, 8k": 8_192}
CHARACTER_RATE = "characters"
MOST_ROWS_WITHOUT_STOPS = 1_100
COMPETITORS = ("as written", "shuffled", "sorted", "GGR", "GGR, no stops", "fixed")

Order = Callable[[Cells], Arrangement]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One order on one table: processor seconds of planning, hit rates by measure in percent."""

    table: str
    shape: tuple[int, int]
    system: str
    seconds: float
    rates: dict[str, float]


def orders(full: bool, rows: int) -> dict[str, Order]:
    """Return what is compared, by name."""
    chosen: dict[str, Order] = {
        "as written": as_written,
        "shuffled": shuffled,
        "sorted": lambda cells: arrange_by(cells, "sorted"),
        "GGR": lambda cells: arrange_by(cells, "ggr"),
        "fixed": lambda cells: arrange_by(cells, "fixed"),
        "ours": lambda cells: arrange_by(cells, "ours"),
    }
    if full or rows <= MOST_ROWS_WITHOUT_STOPS:
        chosen["GGR, no stops"] = lambda cells: arrange_by(cells, "ggr", stops=NO_STOPS)
    return chosen


def shuffled(cells: Cells) -> Arrangement:
    """Return the rows in random order, fields as written."""
    rows = np.random.default_rng(0).permutation(cells.rows).astype(np.int64)
    return Arrangement(rows, as_written(cells).fields)


def limit(cells: Cells) -> float:
    """Return an upper bound of the share of whole cells that any order shares, in percent.

    An order with its field orders is a nested clustering; a join saves the cells common to both
    sides, at most those of the closest pair across it, so all joins together save at most a maximum
    spanning tree (Prim).
    """
    codes, weights = cells.codes.copy(), cells.weights()
    best = np.zeros(cells.rows, np.int64)
    saved, current, left = 0, 0, cells.rows
    while left > 1:
        here, worth = codes[current].copy(), weights[current].copy()
        for array in (codes, weights, best):
            array[current] = array[left - 1]
        left -= 1
        common: npt.NDArray[np.int64] = (codes[:left] == here) @ worth.astype(np.int64)
        np.maximum(best[:left], common, out=best[:left])
        current = int(best[:left].argmax())
        saved += int(best[current])
    return 100 * saved / cells.total()


def outcomes(path: Path, tokenizer: Tokenizer, full: bool) -> Iterator[Outcome]:
    """Measure all orders on one table."""
    table = encode_table(pq.read_table(path))

    def tokenize(texts: list[str]) -> list[list[int]]:
        return [encoding.ids for encoding in tokenizer.encode_batch(texts)]

    in_tokens = weigh(table, Measure(), tokenize)
    in_characters = weigh(table, CHARACTERS)
    shape = (table.rows, len(table.names))
    for system, order in orders(full, table.rows).items():
        start = time.process_time()
        arrangement = order(in_tokens)
        seconds = time.process_time() - start
        rates = {
            name: 100 * count_hits(arrangement, in_tokens, Measure(cache_tokens=room)).cached_rate
            for name, room in CACHES.items()
        }
        previous = count_hits(order(in_characters), in_characters, CHARACTERS)
        rates[CHARACTER_RATE] = 100 * previous.previous_rate
        yield Outcome(path.stem, shape, system, seconds, rates)
    yield Outcome(path.stem, shape, "limit", 0.0, {CHARACTER_RATE: limit(in_characters)})


def show(results: list[Outcome]) -> None:
    """Print one table's outcomes."""
    first = results[0]
    measures = [*CACHES, CHARACTER_RATE]
    print(f"\n{first.table}: {first.shape[0]:,} rows × {first.shape[1]} columns; hit rates in %")
    print(f"  {'':14}{'seconds':>9}" + "".join(f"{name:>13}" for name in measures))
    for result in results:
        rates = "".join(
            f"{result.rates[name]:13.2f}" if name in result.rates else f"{'':13}"
            for name in measures
        )
        seconds = "" if result.system == "limit" else f"{result.seconds:.3f}"
        print(f"  {result.system:14}{seconds:>9}{rates}", flush=True)


def compare(results: list[Outcome]) -> None:
    """Print ours against GGR over all tables, ratios first."""
    print("\nours against GGR as published: ratio of times, difference in points")
    tables = list(dict.fromkeys(result.table for result in results))
    gains: dict[str, list[float]] = {}
    for table in tables:
        by_system = {result.system: result for result in results if result.table == table}
        ours, ggr = by_system["ours"], by_system["GGR"]
        points = {name: ours.rates[name] - ggr.rates[name] for name in ours.rates}
        for name, value in points.items():
            gains.setdefault(name, []).append(value)
        ratio = ours.seconds / ggr.seconds
        line = "".join(f"  {name} {value:+.2f}" for name, value in points.items())
        print(f"  {table:24} {ratio:6.2f} ×{line}")
        for name, rate in ours.rates.items():
            for system in COMPETITORS:
                if system in by_system and by_system[system].rates[name] > rate + 0.005:
                    print(f"    {system} is better in {name}: {by_system[system].rates[name]:.2f}")
    print("  mean" + "".join(f"  {name} {np.mean(values):+.2f}" for name, values in gains.items()))


def records(results: list[Outcome]) -> Iterator[dict[str, str | float]]:
    """Flatten outcomes to one record for each number."""
    for result in results:
        values = {name: (value, "%") for name, value in result.rates.items()}
        if result.system != "limit":
            values["planning"] = (result.seconds, "s")
        for metric, (value, unit) in values.items():
            yield {
                "benchmark": "prefix_order",
                "case": result.table,
                "system": result.system,
                "metric": metric,
                "value": value,
                "unit": unit,
            }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="a folder of parquet tables")
    parser.add_argument("--tokenizer", type=Path, help="a tokenizer.json")
    parser.add_argument("--full", action="store_true", help="GGR without stops on large tables too")
    parser.add_argument("--quick", action="store_true", help="tables below 1 MB only")
    parser.add_argument("--json", type=Path, help="write flat records here")
    args = parser.parse_args()
    found = args.tokenizer or args.data.parent / "tokenizers" / "gpt2" / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(found))
    print(f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}")
    results: list[Outcome] = []
    for path in sorted(args.data.glob("*.parquet")):
        if args.quick and path.stat().st_size > 1_000_000:
            continue
        measured = list(outcomes(path, tokenizer, args.full))
        show(measured)
        results += measured
    compare(results)
    if args.json:
        args.json.write_text("\n".join(json.dumps(record) for record in records(results)) + "\n")


if __name__ == "__main__":
    main()
