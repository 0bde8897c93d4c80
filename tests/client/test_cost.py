"""What a row costs on its way to the engine and back; the figure is printed, not judged."""

import time
from pathlib import Path

import psutil
import pytest

from sparkllm.client import open_exchange
from tests.client.scenery import MODULE, endpoint, identity, prompts, settings

ROWS, WINDOW = 100_000, 4000


def test_a_hundred_thousand_rows_through_an_engine_that_answers_at_once(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = settings(
        directory, implementation=f"{MODULE}:InstantEngine", store_memory_bytes=1 << 28
    )
    texts = [f"row {number}" + "x" * 300 for number in range(ROWS)]
    windows = [prompts(texts[start : start + WINDOW]) for start in range(0, ROWS, WINDOW)]
    with open_exchange(engine, {}, identity()) as exchange:
        exchange.submit(prompts(["start"])).result()
        server = psutil.Process(endpoint(directory).process.pid)
        answers: list[str] = []
        before, client = sum(server.cpu_times()[:2]), time.process_time()
        start = time.perf_counter()
        for pending in [exchange.submit(window) for window in windows]:
            answers += pending.result()["text"].to_pylist()
        costs = {
            "elapsed": time.perf_counter() - start,
            "engine process": sum(server.cpu_times()[:2]) - before,
            "client": time.process_time() - client,
        }
    assert [answer.rstrip("\n") for answer in answers] == texts
    with capsys.disabled():
        text = ", ".join(f"{name} {cost / ROWS * 1e6:.1f}" for name, cost in costs.items())
        print(f"\nµs a row: {text}")  # noqa: T201
