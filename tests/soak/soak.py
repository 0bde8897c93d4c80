"""Eight queries of different sizes at once on one engine, again and again, each answer checked."""

import random
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import SparkSession

import sparkllm
from sparkllm import demo_model
from sparkllm_engine import EngineConfig, LLMEngine, SamplingParameters
from tests.soak.footprint import Watch

SIZES = (1, 7, 20, 50, 100, 180, 270, 360)
LABELS = ("positive", "negative", "neutral")
HEAD = "Classify the input. Answer with one of these labels:\n- positive\n- negative\n- neutral\n\n"
_WARMING = 60.0  # seconds
_CLEAR = 0.1  # by which the likeliest label leads, so that no rounding decides
_THINGS = ("dress", "kettle", "lamp", "film", "hotel", "phone", "book", "chair", "soup", "jacket")
_JUDGEMENTS = (
    "is wonderful, I love it",
    "broke at once, what a waste",
    "is awful and I want my money back",
    "is great value and works well",
    "came in a box",
    "disappoints in every way",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: queries and rows, wrong answers (text, answer), and the watch."""

    queries: int
    rows: int
    wrong: list[tuple[str, str | None]]
    errors: list[str]
    watch: Watch


def texts() -> list[str]:
    """Return 360 texts, all different."""
    found = [
        f"The {thing} {judgement}, order {order}."
        for order in range(6)
        for thing in _THINGS
        for judgement in _JUDGEMENTS
    ]
    random.Random(0).shuffle(found)
    return found


def oracle() -> Mapping[str, str]:
    """Return the labels that the model gives without Spark, where one clearly leads."""
    engine = LLMEngine(EngineConfig(str(demo_model.path()), threads=1, cache_bytes=1 << 26))
    rows = texts()
    asked = [(HEAD, f'x: "{text}"\n') for text in rows]
    right = {}
    for text, result in zip(
        rows, engine.generate(asked, SamplingParameters(choices=LABELS)), strict=True
    ):
        first, second = sorted(result.probabilities, reverse=True)[:2]
        if first - second > _CLEAR and result.text is not None:
            right[text] = result.text
    return right


def soak(seconds: float, directory: Path) -> Outcome:
    """Run queries for so many seconds, in a Spark session of its own.

    Args:
        seconds: how long what is held is watched, after at most a minute in which caches fill.
        directory: for the engine's files; a short path.
    """
    right = oracle()
    spark = _session(directory)
    try:
        _ask(spark, SIZES[-1], 0)
        warming = min(_WARMING, seconds)
        runs = _Runs(spark, right, time.monotonic() + warming + seconds)
        threads = [threading.Thread(target=runs.repeat, args=(size,)) for size in SIZES]
        for thread in threads:
            thread.start()
        time.sleep(warming)
        with Watch(directory) as watch:
            for thread in threads:
                thread.join()
        return Outcome(runs.queries, runs.rows, runs.wrong, runs.errors, watch)
    finally:
        spark.stop()


class _Runs:
    def __init__(self, spark: SparkSession, right: Mapping[str, str], end: float) -> None:
        self._spark = spark
        self._right = right
        self._end = end
        self._lock = threading.Lock()
        self.queries = 0
        self.rows = 0
        self.wrong: list[tuple[str, str | None]] = []
        self.errors: list[str] = []

    def repeat(self, size: int) -> None:
        draw = random.Random(size)
        while time.monotonic() < self._end:
            try:
                rows = _ask(self._spark, size, draw.randrange(SIZES[-1]))
            except Exception as error:
                self.errors.append(repr(error))
                return
            wrong = [
                (text, answer)
                for text, answer in rows
                if answer != self._right.get(text, answer) or answer not in LABELS
            ]
            with self._lock:
                self.queries += 1
                self.rows += len(rows)
                self.wrong += wrong
                if len(rows) != size:
                    self.errors.append(f"{len(rows)} rows instead of {size}")


def _ask(spark: SparkSession, size: int, offset: int) -> list[tuple[str, str | None]]:
    rows = spark.sql(
        f"SELECT x, llm('classify', x) AS answer FROM texts"
        f" WHERE (id + {offset}) % {SIZES[-1]} < {size}"
    ).collect()
    return [(row.x, row.answer) for row in rows]


def _session(directory: Path) -> SparkSession:
    spark = sparkllm.session(
        "local[4]",
        config={
            "spark.ui.enabled": "false",
            "spark.ui.showConsoleProgress": "false",
            "spark.log.level": "ERROR",
            "spark.sparkllm.engine.directory": str(directory),
            "spark.sparkllm.engine.cacheBytes": "64m",
            "spark.sparkllm.store.memoryBytes": "0",
        },
    )
    table = spark.createDataFrame(list(enumerate(texts())), "id INT, x STRING")
    table.repartition(4).cache().createOrReplaceTempView("texts")
    return spark
