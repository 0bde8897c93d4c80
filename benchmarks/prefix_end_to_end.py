"""What an order is worth on the engine: `llm('classify', …all columns)` over a real table.

The prompts are those of the task, planned window by window as a worker does, and answered by the
engine itself (LLMEngine, closed answer set, without Spark between). Each order has an engine of its
own, so no cache helps another; windows take turns, so a busy machine slows all of them alike.
Reported are seconds on the clock and of the processor, planning included, as a share of `as
written`; the tokens that the engine served from its cache; and how many rows have another answer
than as written, since a model may answer otherwise when fields change places.

    python -m benchmarks.prefix_end_to_end --data ../shared/data/tables [--table NAME] [--rows N]
        [--window N] [--model PATH] [--quick] [--json PATH]
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

import sparkllm_engine.before_torch  # noqa: F401

# isort: split
from sparkllm import demo_model
from sparkllm.tasks import Call, prompt_for
from sparkllm_engine import EngineConfig, LLMEngine, Request, SamplingParameters
from sparkllm_optimizer import Plan, PlanOptions, plan
from sparkllm_optimizer.arrangement import as_written
from sparkllm_optimizer.cells import weigh
from sparkllm_optimizer.encoding import encode_table
from sparkllm_optimizer.measure import Measure
from sparkllm_optimizer.plan import plan_of
from sparkllm_optimizer.rendering import render_fields

BASE = "as written"


@dataclass(slots=True)
class System:
    """One order with its engine, and what it has taken so far."""

    order: Callable[[pa.Table], Plan]
    engine: LLMEngine
    wall: float = 0.0
    processor: float = 0.0
    planning: float = 0.0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    answers: dict[int, str | None] = field(default_factory=dict)

    def answer(
        self, window: pa.Table, start: int, head: str, parameters: SamplingParameters
    ) -> None:
        """Plan and answer the rows of a window; `start` is the id of its first row."""
        wall, processor = time.perf_counter(), time.process_time()
        planned = self.order(window)
        self.planning += time.process_time() - processor
        for result in self.engine.run(requests(planned, window, head, parameters)):
            self.prompt_tokens += result.prompt_tokens
            self.cached_tokens += result.cached_tokens
            self.answers[start + result.id] = result.text
        self.wall += time.perf_counter() - wall
        self.processor += time.process_time() - processor


def unordered(table: pa.Table) -> Plan:
    """Return rows and fields as the table has them."""
    return plan_of(as_written(weigh(encode_table(table), Measure())), tuple(table.column_names))


def orders() -> dict[str, Callable[[pa.Table], Plan]]:
    """Return what is compared, by name; `asWritten` and so on are the worker's own choices."""
    return {
        BASE: unordered,
        "sorted (asWritten)": lambda table: plan(table, PlanOptions("asWritten")),
        "GGR": lambda table: plan(table, PlanOptions(algorithm="ggr")),
        "one order (perQuery)": lambda table: plan(table, PlanOptions("perQuery")),
        "ours (perGroup)": plan,
    }


def requests(
    planned: Plan, table: pa.Table, head: str, parameters: SamplingParameters
) -> Iterator[Request]:
    """Yield the prompts of a plan in its order, every distinct cell rendered once."""
    lines: dict[str, Sequence[str]] = {}
    for name in table.column_names:
        encoded = table.column(name).combine_chunks().dictionary_encode("encode")
        made = render_fields(name, encoded.dictionary.to_pylist())
        lines[name] = [made[index] for index in encoded.indices.to_pylist()]
    for group in planned.groups:
        columns = [lines[name] for name in group.columns]
        for row in group.row_ids.tolist():
            yield Request(row, (head, *(column[row] for column in columns)), parameters)


def show(systems: dict[str, System], rows: int) -> None:
    """Print all systems, ratios to the base first."""
    base = systems[BASE]
    print(
        f"{'':22}{'wall':>8}{'processor':>11}{'wall, s':>10}{'processor, s':>14}{'planning, s':>13}"
        f"{'cached':>9}{'other answers':>15}"
    )
    for name, system in systems.items():
        cached = system.cached_tokens / system.prompt_tokens
        changed = sum(system.answers[row] != text for row, text in base.answers.items())
        print(
            f"{name:22}{system.wall / base.wall:8.2f}{system.processor / base.processor:11.2f}"
            f"{system.wall:10.1f}{system.processor:14.1f}{system.planning:13.2f}"
            f"{cached:9.1%}{changed / rows:15.1%}"
        )


def records(systems: dict[str, System], case: str) -> Iterator[dict[str, str | float]]:
    """Flatten what was measured to one record for each number."""
    for name, system in systems.items():
        values = {
            "wall": (system.wall, "s"),
            "processor": (system.processor, "s"),
            "planning": (system.planning, "s"),
            "prompt tokens": (system.prompt_tokens, "tokens"),
            "cached tokens": (system.cached_tokens, "tokens"),
        }
        for metric, (value, unit) in values.items():
            yield {
                "benchmark": "prefix_end_to_end",
                "case": case,
                "system": name,
                "metric": metric,
                "value": value,
                "unit": unit,
            }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="a folder of parquet tables")
    parser.add_argument("--table", default="womens_clothing_reviews")
    parser.add_argument("--rows", type=int, default=8_192)
    parser.add_argument("--window", type=int, default=4_096, help="rows planned together")
    parser.add_argument("--model", default=str(demo_model.path()))
    parser.add_argument("--quick", action="store_true", help="one window of 1,000 rows")
    parser.add_argument("--json", type=Path, help="write flat records here")
    args = parser.parse_args()
    rows, size = (1_000, 1_000) if args.quick else (args.rows, args.window)
    table = pq.read_table(args.data / f"{args.table}.parquet").slice(0, rows)
    prompt = prompt_for(Call("classify", tuple(table.column_names), {}))
    head = "".join(part.text for part in prompt.head if hasattr(part, "text"))
    parameters = SamplingParameters(choices=prompt.choices, max_tokens=1)
    systems = {
        name: System(order, LLMEngine(EngineConfig(args.model, cache_bytes=256 << 20)))
        for name, order in orders().items()
    }
    turns = list(systems.values())
    for start in range(0, table.num_rows, size):
        window = table.slice(start, size).combine_chunks()
        for system in turns:
            system.answer(window, start, head, parameters)
        turns = [*turns[1:], turns[0]]
    case = f"{args.table}, {table.num_rows:,} rows × {table.num_columns} columns"
    print(f"{case}, windows of {size:,} rows, {args.model}")
    show(systems, table.num_rows)
    if args.json:
        args.json.write_text("\n".join(map(json.dumps, records(systems, case))) + "\n")


if __name__ == "__main__":
    main()
