"""What three calls over one text cost beside one call, with and without `optimizer.fuse`.

    python -m benchmarks.fused --data ../shared/data/tables [--quick] [--json PATH]

Texts are those of a real table, cut to 400 tokens; each query has texts that the prefix cache does
not know. Reported are computed tokens, by `sparkllm.usage`, and seconds of the engine, as ratios to
one call; queries take turns, so that a busy machine slows all of them alike. The last column says
how many answers are others than without fusing.
"""

import argparse
import json
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq
from pyspark.sql import SparkSession
from rich.console import Console
from rich.table import Table
from transformers import AutoTokenizer

import sparkllm
from benchmarks.engine.models import SHAPES, save_model
from benchmarks.machine import machine
from sparkllm import demo_model

_TOKENS = 400
_CALLS = (
    "llm('classify', text) AS a",
    "llm('Is it a question?', text, labels => array('yes', 'no')) AS b",
    "llm('What is it about?', text, labels => array('data', 'tools', 'people')) AS c",
)


@dataclass(slots=True)
class System:
    """A way to ask, and what each of its queries took."""

    calls: Sequence[str]
    fused: bool
    tokens: list[int] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)


def _systems() -> dict[str, System]:
    return {
        "one call": System(_CALLS[:1], fused=False),
        "three calls": System(_CALLS, fused=False),
        "ours": System(_CALLS, fused=True),
    }


def _texts(data: Path, count: int) -> list[str]:
    """Return so many texts of exactly `_TOKENS` tokens of the tokenizer that ships."""
    tokenizer = AutoTokenizer.from_pretrained(demo_model.path())
    bodies = pq.read_table(data / "se_posts_comments.parquet", columns=["Body"]).column(0)
    texts = []
    for body in bodies.unique().to_pylist():
        ids = tokenizer(" ".join((body or "").split()), add_special_tokens=False)["input_ids"]
        if len(ids) >= _TOKENS:
            texts.append(tokenizer.decode(ids[:_TOKENS]))
        if len(texts) == count:
            return texts
    raise SystemExit(f"only {len(texts)} texts of the table have {_TOKENS} tokens")


def _ask(spark: SparkSession, system: System, texts: Sequence[str], query: int) -> None:
    # Texts begin with numbers that no query before had, so none finds the prefixes of another one;
    # those with and without fusing have nothing in common but the texts.
    shown = query - system.fused
    rows = [(f"{shown}.{number} {text}",) for number, text in enumerate(texts)]
    spark.createDataFrame(rows, "text STRING").coalesce(1).createOrReplaceTempView("texts")
    spark.conf.set("spark.sparkllm.optimizer.fuse.enabled", str(system.fused).lower())
    answers = spark.sql(f"SELECT {', '.join(system.calls)} FROM texts").collect()
    system.answers += [answer for row in answers for answer in row]
    usage = sparkllm.usage(spark).last
    if usage.errors:
        raise SystemExit(f"errors: {usage.errors}")
    system.tokens.append(usage.prompt_tokens - usage.cached_tokens + usage.output_tokens)
    system.seconds.append(usage.engine_seconds)


def _session(model: str, directory: str) -> SparkSession:
    return sparkllm.session(
        "local[1]",
        model=model,
        config={
            "spark.ui.enabled": "false",
            "spark.log.level": "ERROR",
            "spark.sparkllm.engine.directory": directory,
            "spark.sparkllm.engine.threads": "2",
            "spark.sparkllm.store.memoryBytes": "0",
        },
    )


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="a folder of parquet tables")
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", choices=SHAPES, help="random weights of this shape")
    parser.add_argument("--quick", action="store_true", help="16 rows, 3 rounds")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    rows, rounds = (16, 3) if args.quick else (args.rows, args.rounds)
    texts = _texts(args.data, rows)
    systems = _systems()
    with tempfile.TemporaryDirectory(prefix="slm") as directory:
        model = str(demo_model.path())
        if args.size:
            model = f"{directory}/model"
            save_model(Path(model), SHAPES[args.size])
        spark = _session(model, directory)
        query = 0
        for system in systems.values():  # the first queries start the engine and warm it up
            _ask(spark, system, texts[:4], query := query + 1)
            for measured in (system.tokens, system.seconds, system.answers):
                measured.clear()
        for _ in range(rounds):
            for system in systems.values():
                _ask(spark, system, texts, query := query + 1)
        spark.stop()
    base = systems["one call"]
    title = f"{rows} texts of {_TOKENS} tokens, {args.size or 'the model that ships'}"
    columns = ("system", "tokens", "seconds", "tokens computed", "seconds, median", "other answers")
    shown = Table(*columns, title=title)
    pairs = list(zip(systems["three calls"].answers, systems["ours"].answers, strict=True))
    others = f"{sum(one != other for one, other in pairs) / len(pairs):.1%}"
    records = []
    for name, system in systems.items():
        tokens, seconds = statistics.median(system.tokens), statistics.median(system.seconds)
        ratios = [mine / one for mine, one in zip(system.seconds, base.seconds, strict=True)]
        share = tokens / statistics.median(base.tokens)
        shown.add_row(name, f"{share:.2f}", f"{statistics.median(ratios):.2f}", f"{tokens:,.0f}",
                      f"{seconds:.2f}", others if system.fused else "")  # fmt: skip
        for metric, value, unit in (("computed tokens", tokens, "tokens"), ("time", seconds, "s")):
            records.append({"benchmark": "fused", "case": title, "system": name, "metric": metric,
                            "value": value, "unit": unit})  # fmt: skip
    console = Console(width=120)
    console.print(shown)
    console.print(machine())
    if args.json:
        args.json.write_text(json.dumps(records, indent=1) + "\n")


if __name__ == "__main__":
    main()
