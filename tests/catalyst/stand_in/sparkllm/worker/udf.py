"""Stands in for the real function in the tests' Python workers: answers with what it was given."""

import json
from collections.abc import Iterator

import pyarrow as pa

_COUNTS = (
    "rows", "calls", "deduplicated", "nulls", "skipped", "errors", "prompt_tokens",
    "cached_tokens", "computed_tokens", "output_tokens", "engine_time", "queue_time", "worker_time",
)  # fmt: skip
_USAGE = pa.struct([(name, pa.int64()) for name in _COUNTS])


class CallFunction:
    """Answers each row with the call, and the row as the worker got it."""

    def __init__(self, calls_json: str) -> None:
        self.calls = json.loads(calls_json)["calls"]

    def __call__(self, batches: Iterator[pa.StructArray]) -> Iterator[pa.Array]:
        for batch in batches:
            columns = [column.to_pylist() for column in batch.flatten()]
            answers = [_answers(dict(call), columns) for call in self.calls]
            names = [f"answer_{position}" for position in range(len(answers))]
            usage = pa.nulls(len(batch), _USAGE)
            yield pa.StructArray.from_arrays([*answers, usage], [*names, "usage"])


def _answers(call: dict[str, object], columns: list[list[object]]) -> pa.Array:
    mine = [columns[position] for position in call.pop("arguments")]
    text = json.dumps(call, ensure_ascii=False, sort_keys=True)
    rows = (dict(zip(call["columns"], row, strict=True)) for row in zip(*mine, strict=True))
    return pa.array([json.dumps([text, row], default=str) for row in rows], pa.string())
