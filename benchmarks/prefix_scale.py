"""Planning a large table: time, and memory of the whole process.

A made-up table of reviews joined with products, shops and customers, ten columns: some follow from
others, two repeat nothing. Its strings are plain Arrow strings, not dictionaries. The process uses
one thread for planning but for Arrow's own hashing.

    python -m benchmarks.prefix_scale [--rows N] [--quick] [--json PATH]
"""

import argparse
import json
import resource
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from sparkllm_optimizer import plan, prefix_hits
from sparkllm_optimizer.measure import Measure
from sparkllm_optimizer.options import PlanOptions

TARGETS = {"processor": 10.0, "wall": 10.0, "peak memory": 2.0}


def reviews(rows: int) -> pa.Table:
    """Return the table; its values depend on the number of rows alone."""
    rng = np.random.default_rng(0)
    product = np.minimum(rng.zipf(1.2, rows), rows // 50 + 1)
    shop = rng.integers(0, 200, rows)
    customer = np.minimum(rng.zipf(1.5, rows), rows // 5 + 1)
    stars = rng.integers(1, 6, rows)
    day = rng.integers(0, 1000, rows)
    return pa.table(
        {
            "review_id": _texts("R", np.arange(rows)),
            "text": _texts("the parcel came and what was in it I call ", rng.permutation(rows)),
            "product": _texts("product ", product),
            "description": _texts("made of wood, brass and a little glass, article ", product),
            "category": _texts("category ", product % 37),
            "shop": _texts("shop ", shop),
            "city": _texts("city ", shop % 40),
            "customer": _texts("customer ", customer),
            "stars": stars,
            "day": day.astype("datetime64[D]"),
        }
    )


def _texts(prefix: str, numbers: np.ndarray) -> pa.Array:
    return pa.array(np.char.add(prefix, numbers.astype(str)))


def gigabytes() -> float:
    """Return the most memory that this process has had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    parser.add_argument("--json", type=Path, help="write flat records here")
    args = parser.parse_args()
    rows = args.rows // 10 if args.quick else args.rows
    table = reviews(rows)
    before = gigabytes()
    wall, processor = time.perf_counter(), time.process_time()
    planned = plan(table)
    values = {
        "processor": (time.process_time() - processor, "s"),
        "wall": (time.perf_counter() - wall, "s"),
        "peak memory": (gigabytes(), "GiB"),
        "peak memory before": (before, "GiB"),
        "table": (table.nbytes / (1 << 30), "GiB"),
    }
    hits = prefix_hits(planned, table, PlanOptions(measure=Measure(cache_tokens=0)))
    values["tokens shared with the row before"] = (100 * hits.previous_rate, "%")
    case = f"{rows:,} rows × {table.num_columns} columns"
    print(f"{case}, {len(planned.groups):,} groups")
    for metric, (value, unit) in values.items():
        target = f"   (target {TARGETS[metric]:g})" if metric in TARGETS and not args.quick else ""
        print(f"  {metric:34}{value:8.2f} {unit}{target}")
    if args.json:
        made = [
            {"benchmark": "prefix_scale", "case": case, "system": "ours", "metric": metric,
             "value": value, "unit": unit}
            for metric, (value, unit) in values.items()
        ]  # fmt: skip
        args.json.write_text("\n".join(map(json.dumps, made)) + "\n")


if __name__ == "__main__":
    main()
