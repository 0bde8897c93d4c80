"""Stands in for the real function in the tests' Python workers: answers with what it was given."""

import json
from collections.abc import Iterator

import pyarrow as pa


class CallFunction:
    """Answers each row with the call, and the row as the worker got it."""

    def __init__(self, call_json: str) -> None:
        self.call_json = call_json

    def __call__(self, batches: Iterator[pa.StructArray]) -> Iterator[pa.Array]:
        for batch in batches:
            answers = [json.dumps([self.call_json, row], default=str) for row in batch.to_pylist()]
            yield pa.array(answers, pa.string())
