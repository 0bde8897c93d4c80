"""Prefix hit rate and planning time of row and field orders on real tables.

Every order is judged by the same simulators: tokens (GPT-2) served by a radix cache without bound
and with room for 64k and 8k tokens, and characters in common with the row before. The limit is the
best that any order could reach in characters: a maximum spanning tree over the rows, each edge
worth the cells that two rows have in common.

Times are processor seconds, the least of some rounds in which all orders take turns; of the
ordering alone, without tokenising, but for `ours, whole plan`: that is `plan` from an Arrow table
to groups, the lengths estimated. It stands against GGR as its authors released it, which starts
from a data frame and runs from a checkout of theirs (see `benchmarks.released_ggr`).

    python -m benchmarks.prefix_order --data ../shared/data/tables [--tokenizer PATH] [--full]
        [--ggr-checkout PATH] [--rounds N] [--quick] [--json PATH]

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

from benchmarks.real_tables import RealTable, add_arguments, real_tables
from benchmarks.released_ggr import ReleasedOutcome, run_released
from sparkllm_optimizer import plan
from sparkllm_optimizer.arrangement import Arrangement, as_written
from sparkllm_optimizer.cells import Cells
from sparkllm_optimizer.hits import count_hits
from sparkllm_optimizer.measure import CHARACTERS, Measure
from sparkllm_optimizer.orders.ggr import NO_STOPS
from sparkllm_optimizer.planner import arrange_by

CACHES: dict[str, int | None] = {"tokens": None, "tokens, 64k": 65_536, "tokens, 8k": 8_192}
CHARACTER_RATE = "characters"
MOST_ROWS_WITHOUT_STOPS = 1_100
COMPETITORS = ("as written", "shuffled", "sorted", "GGR", "GGR, no stops", "fixed")
WHOLE_PLAN = "ours, whole plan"
RELEASED = "GGR, released"

Order = Callable[[Cells], Arrangement]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One order on one table: seconds of planning, hit rates by measure in percent."""

    table: str
    shape: tuple[int, int]
    system: str
    seconds: float | None
    wall: float | None
    rates: dict[str, float]
    failed: str = ""


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


@dataclass(slots=True)
class Stopwatch:
    """The least processor and wall seconds of all runs of each system."""

    processor: dict[str, float]
    wall: dict[str, float]

    def time(self, system: str, run: Callable[[], object]) -> None:
        """Run once and keep the times if they are the least so far."""
        wall, start = time.perf_counter(), time.process_time()
        run()
        self.keep(system, time.process_time() - start, time.perf_counter() - wall)

    def keep(self, system: str, processor: float, wall: float) -> None:
        """Keep times that were taken elsewhere."""
        self.processor[system] = min(processor, self.processor.get(system, processor))
        self.wall[system] = min(wall, self.wall.get(system, wall))


def outcomes(read: RealTable, full: bool, rounds: int, checkout: Path | None) -> Iterator[Outcome]:
    """Measure all orders on one table."""
    cells, in_characters = read.in_tokens, read.in_characters
    shape = (cells.rows, cells.columns)
    compared = orders(full, cells.rows)
    watch = Stopwatch({}, {})
    released = ReleasedOutcome()
    for turn in range(rounds):
        for system, order in compared.items():
            if turn == 0 or system != "GGR, no stops":
                watch.time(system, lambda order=order: order(cells))
        watch.time(WHOLE_PLAN, lambda: plan(read.table))
        if checkout:
            released = run_released(checkout, read.path)
            watch.keep(RELEASED, released.processor, released.wall)
    for system, order in compared.items():
        arrangement = order(cells)
        rates = {
            name: 100 * count_hits(arrangement, cells, Measure(cache_tokens=room)).cached_rate
            for name, room in CACHES.items()
        }
        previous = count_hits(order(in_characters), in_characters, CHARACTERS)
        rates[CHARACTER_RATE] = 100 * previous.previous_rate
        seconds, wall = watch.processor[system], watch.wall[system]
        yield Outcome(read.name, shape, system, seconds, wall, rates)
    seconds, wall = watch.processor[WHOLE_PLAN], watch.wall[WHOLE_PLAN]
    yield Outcome(read.name, shape, WHOLE_PLAN, seconds, wall, {})
    if released.failed:
        yield Outcome(read.name, shape, RELEASED, None, None, {}, released.failed)
    elif checkout:
        seconds, wall = watch.processor[RELEASED], watch.wall[RELEASED]
        rates = {CHARACTER_RATE: released.characters}
        yield Outcome(read.name, shape, RELEASED, seconds, wall, rates)
    rates = {CHARACTER_RATE: limit(in_characters)}
    yield Outcome(read.name, shape, "limit", None, None, rates)


def show(results: list[Outcome]) -> None:
    """Print one table's outcomes."""
    first = results[0]
    measures = [*CACHES, CHARACTER_RATE]
    print(f"\n{first.table}: {first.shape[0]:,} rows × {first.shape[1]} columns; hit rates in %")
    print(f"  {'':18}{'seconds':>9}" + "".join(f"{name:>13}" for name in measures))
    for result in results:
        rates = "".join(
            f"{result.rates[name]:13.2f}" if name in result.rates else f"{'':13}"
            for name in measures
        )
        seconds = "" if result.seconds is None else f"{result.seconds:.3f}"
        print(f"  {result.system:18}{seconds:>9}{rates} {result.failed}".rstrip(), flush=True)


def compare(results: list[Outcome]) -> None:
    """Print ours against GGR over all tables, ratios first."""
    print("\nours against GGR: share of its time, difference in points")
    tables = list(dict.fromkeys(result.table for result in results))
    gains: dict[str, list[float]] = {}
    for table in tables:
        by_system = {result.system: result for result in results if result.table == table}
        ours, ggr = by_system["ours"], by_system["GGR"]
        points = {name: ours.rates[name] - ggr.rates[name] for name in ours.rates}
        for name, value in points.items():
            gains.setdefault(name, []).append(value)
        line = "".join(f"  {name} {value:+.2f}" for name, value in points.items())
        print(f"  {table:24} {_share(ours, ggr)}{line}")
        whole, released = by_system[WHOLE_PLAN], by_system.get(RELEASED)
        if released and released.wall and whole.wall:
            gain = ours.rates[CHARACTER_RATE] - released.rates[CHARACTER_RATE]
            clock = released.wall / whole.wall
            print(
                f"    as released: {_share(whole, released)} (on the clock 1/{clock:.0f}), "
                f"{CHARACTER_RATE} {gain:+.2f}"
            )
        for name, rate in ours.rates.items():
            for system in COMPETITORS:
                if system in by_system and by_system[system].rates[name] > rate + 0.005:
                    print(f"    {system} is better in {name}: {by_system[system].rates[name]:.2f}")
    print("  mean" + "".join(f"  {name} {np.mean(values):+.2f}" for name, values in gains.items()))


def _share(ours: Outcome, other: Outcome) -> str:
    assert ours.seconds is not None and other.seconds is not None
    return f"1/{other.seconds / ours.seconds:.1f}"


def records(results: list[Outcome]) -> Iterator[dict[str, str | float]]:
    """Flatten outcomes to one record for each number."""
    for result in results:
        values = {name: (value, "%") for name, value in result.rates.items()}
        if result.seconds is not None and result.wall is not None:
            values["planning"] = (result.seconds, "s")
            values["planning, wall"] = (result.wall, "s")
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
    add_arguments(parser)
    parser.add_argument("--full", action="store_true", help="GGR without stops on large tables too")
    parser.add_argument("--ggr-checkout", type=Path, help="a clone of the released GGR")
    parser.add_argument("--rounds", type=int, default=3, help="runs of which the least time counts")
    parser.add_argument("--json", type=Path, help="write flat records here")
    args = parser.parse_args()
    print(f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}")
    results: list[Outcome] = []
    rounds = 1 if args.quick else args.rounds
    for read in real_tables(args):
        measured = list(outcomes(read, args.full, rounds, args.ggr_checkout))
        show(measured)
        results += measured
    compare(results)
    if args.json:
        args.json.write_text("\n".join(json.dumps(record) for record in records(results)) + "\n")


if __name__ == "__main__":
    main()
