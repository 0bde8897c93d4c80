"""What 8-bit arithmetic costs in accuracy and brings in speed: `python -m benchmarks.quantization`.

The demo model classifies reviews in float32, bfloat16 and int8; rows are compared with the answers
in float32 and with their stars. Speed is processor time, rounds interleaved, medians.
"""

import argparse
import csv
import json
import statistics
import time
from pathlib import Path

from benchmarks.machine import machine
from sparkllm import demo_model
from sparkllm_engine import EngineConfig, LLMEngine, Result, SamplingParameters

_REVIEWS = Path(__file__).parents[1] / "sql_examples" / "data" / "reviews.csv"
_INSTRUCTION = (
    "Classify the input. Answer with one of these labels:\n- positive\n- negative\n- neutral\n\n"
)
_LABELS = SamplingParameters(choices=("positive", "negative", "neutral"))
_SYSTEMS = {
    "float32": {"dtype": "float32"},
    "bfloat16": {"dtype": "bfloat16"},
    "int8": {"dtype": "bfloat16", "quantization": "int8"},
}


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--model", type=Path, default=demo_model.path())
    parser.add_argument("--threads", type=int, default=0, help="0: all cores")
    parser.add_argument("--json", type=Path, help="write flat records here")
    arguments = parser.parse_args()
    with _REVIEWS.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["stars"].strip()]
    prompts = [(_INSTRUCTION, f"review: {json.dumps(row['review'])}\n") for row in rows]
    engines = {
        name: LLMEngine(EngineConfig(str(arguments.model), threads=arguments.threads, **settings))
        for name, settings in _SYSTEMS.items()
    }
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    results: dict[str, list[Result]] = {}
    for _ in range(1 if arguments.quick else 5):
        for name, engine in engines.items():
            engine.reset_prefix_cache()
            start = time.process_time()
            results[name] = engine.generate(prompts, _LABELS)
            seconds[name].append(time.process_time() - start)
    records = []
    for name in engines:
        measured = _accuracy(results[name], results["float32"], [row["stars"] for row in rows])
        measured["rows/s of processor time"] = len(rows) / statistics.median(seconds[name])
        records += [
            {"benchmark": "quantization", "case": "reviews", "system": name, "metric": metric}
            | {"value": value, "unit": "rows/s" if "rows/s" in metric else "share"}
            for metric, value in measured.items()
        ]
        print(name, *(f"{metric} {value:.4g}" for metric, value in measured.items()), sep="\t")
    print(machine())
    if arguments.json:
        arguments.json.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")


def _accuracy(found: list[Result], exact: list[Result], stars: list[str]) -> dict[str, float]:
    """Return shares of rows, and the mean distance of probabilities."""
    same = [a.text == b.text for a, b in zip(found, exact, strict=True)]
    clear = [
        (result.text == "positive") == (float(star) > 3)
        for result, star in zip(found, stars, strict=True)
        if float(star) != 3
    ]
    distances = [
        sum(abs(p - q) for p, q in zip(a.probabilities, b.probabilities, strict=True)) / 2
        for a, b in zip(found, exact, strict=True)
    ]
    return {
        "same as float32": statistics.mean(same),
        "as the stars": statistics.mean(clear),
        "distance of probabilities": statistics.mean(distances),
    }


if __name__ == "__main__":
    main()
