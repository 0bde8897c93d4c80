"""From a sample, and from statistics, to what calls take."""

import json
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from sparkllm.busy_time import BusyTime
from sparkllm.estimates import from_statistics
from sparkllm.estimates.call_estimate import grown
from sparkllm.estimates.from_sample import Sampled, estimate
from sparkllm.estimates.speed import fit
from sparkllm.ledger import Usage
from sparkllm.worker.question import questions
from sparkllm.worker.sample_estimate import SampledCall, computed, sampled_call
from sparkllm.worker.settings import task_settings
from sparkllm_engine.server.budget import Prices

FREE = Prices()


def body(names: Sequence[str], **more: object) -> str:
    call = {
        "task": "classify",
        "columns": list(names),
        "options": {},
        "arguments": list(range(len(names))),
    }
    return json.dumps({"calls": [call], **more})


def reviews(rows: int) -> pa.Table:
    rng = np.random.default_rng(0)
    product = rng.zipf(1.3, rows) % 2000
    return pa.table(
        {
            "product": [f"product {p} made of wood and glass, number {p % 13}" for p in product],
            "stars": rng.integers(1, 6, rows).astype(str),
            "review": [f"{'very ' * int(n % 9)}good {i}" for i, n in enumerate(rng.zipf(2, rows))],
        }
    )


def of_sample(table: pa.Table, rows: pa.Table) -> SampledCall:
    (question,) = questions(body(table.column_names))
    return sampled_call(question, rows, task_settings())


def test_the_tree_of_prefixes_is_counted_node_by_node() -> None:
    rng = np.random.default_rng(0)
    prompts = [rng.integers(0, 3, int(n)).astype(np.int32) for n in rng.integers(1, 9, 200)]
    nodes = {tuple(ids[: end + 1].tolist()) for ids in prompts for end in range(len(ids))}
    assert computed(prompts) == len(nodes)
    assert computed([]) == 0


def test_a_quarter_of_the_inputs_tells_what_all_take() -> None:
    table = reviews(8000)
    chosen = np.random.default_rng(1).permutation(8000)[:2000]
    whole, part = of_sample(table, table), of_sample(table, table.take(pa.array(chosen)))
    told = estimate(Sampled(8000, 8000, (part,)), None, 1, FREE)
    assert told.distinct == pytest.approx(whole.inputs, rel=0.02)
    assert told.prompt_tokens == pytest.approx(whole.prompt_tokens, rel=0.05)
    cached = whole.prompt_tokens - whole.computed_tokens
    assert told.cached_tokens == pytest.approx(cached, rel=0.15)


def test_a_sample_of_everything_is_exact() -> None:
    table = reviews(500)
    whole = of_sample(table, table)
    told = estimate(Sampled(700, 500, (whole,)), None, 1, Prices(1.0, 0.5, 2.0))
    assert (told.rows, told.distinct, told.prompt_tokens) == (700, 500, whole.prompt_tokens)
    assert told.money == pytest.approx(
        (whole.computed_tokens + 0.5 * (whole.prompt_tokens - whole.computed_tokens)) / 1e6
    )


def test_counts_grow_as_they_grew_in_the_sample() -> None:
    assert grown(100, 50, 4) == pytest.approx(400)
    assert grown(100, 100, 4) == 100
    assert grown(200, 100 * 2**0.5, 4) == pytest.approx(400)
    assert grown(100, 50, 0.5) == 100


def test_statistics_tell_distinct_inputs_and_the_order_tells_what_is_shared() -> None:
    """Ten products of long text in 1,000 rows with a short review of their own."""
    columns = [{"distinct": 10, "bytes": 400.0}, {"distinct": 1000, "bytes": 40.0}]
    cached = {}
    for order in (["product", "review"], ["review", "product"]):
        read = json.loads(body(["product", "review"], rows=1000, columns=columns, properties={}))
        read["calls"][0]["order"] = order
        told = from_statistics.estimate(read, questions(json.dumps(read)))
        assert told.rows == 1000
        assert told.distinct == pytest.approx(1000, rel=0.1)
        assert told.seconds is None
        cached[order[0]] = told.cached_tokens
    assert cached["product"] - cached["review"] == pytest.approx(990 * 100, rel=0.1)


def test_columns_without_statistics_give_upper_bounds() -> None:
    read = json.loads(body(["a"], rows=50, columns=[None], properties={}))
    told = from_statistics.estimate(read, questions(json.dumps(read)))
    assert told.distinct == 50
    assert "distinct inputs ≤ 50" in told.line
    assert "rows 50," in told.line


def test_one_query_tells_the_speed_of_another() -> None:
    first = Usage(calls=100, prompt_tokens=20_000, cached_tokens=5_000)
    speed = fit([(first, 10.0)])
    assert speed
    assert speed.seconds(100, 20_000, 5_000, 0) == pytest.approx(10.0)
    assert speed.seconds(200, 40_000, 10_000, 0) == pytest.approx(20.0)


def test_queries_tell_what_tokens_and_answers_cost() -> None:
    """Answers cost twice, calls half of what they are taken to cost at first."""
    rng = np.random.default_rng(0)
    queries = []
    for _ in range(30):
        calls, prompt, answer = (int(n) for n in rng.integers((10, 1000, 0), (900, 90_000, 9000)))
        usage = Usage(calls=calls, prompt_tokens=prompt, output_tokens=answer)
        queries.append((usage, 1e-3 * (prompt + 16 * answer + 10 * calls)))
    speed = fit(queries)
    assert speed
    assert speed.answer / speed.computed == pytest.approx(16, rel=0.15)
    assert speed.seconds(100, 50_000, 0, 4000) == pytest.approx(115, rel=0.05)


def test_no_query_no_speed() -> None:
    assert fit([]) is None
    assert fit([(Usage(), 1.0), (Usage(calls=3), 0.0)]) is None


def test_busy_time_counts_what_overlaps_once() -> None:
    rng = np.random.default_rng(0)
    busy = BusyTime()
    ticks = set()
    for start, length in rng.integers(0, 60, (200, 2)).tolist():
        busy.add(float(10 * start), float(10 * start + length % 7))
        ticks |= set(range(10 * start, 10 * start + length % 7))
    assert busy.seconds == len(ticks)
    assert all(before[1] < after[0] for before, after in pairwise(busy._spans))
