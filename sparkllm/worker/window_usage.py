"""A window's usage as the column that rides beside its answers to the Spark operator."""

import pyarrow as pa

from sparkllm.ledger import Usage

FIELDS = (
    "rows",
    "calls",
    "deduplicated",
    "stored",
    "nulls",
    "skipped",
    "errors",
    "prompt_tokens",
    "cached_tokens",
    "computed_tokens",
    "output_tokens",
    "saved_tokens",
    "engine_time",
    "queue_time",
    "worker_time",
)
_TYPE = pa.struct([pa.field(name, pa.int64()) for name in FIELDS])


def usage_column(usage: Usage, rows: int) -> pa.Array:
    """Return `rows` structs of counts and milliseconds: the usage first, then NULL."""
    counts = {
        "rows": usage.rows,
        "calls": usage.calls,
        "deduplicated": usage.reused,
        "stored": usage.stored,
        "nulls": usage.nulls,
        "skipped": usage.skipped,
        "errors": sum(usage.errors.values()),
        "prompt_tokens": usage.prompt_tokens,
        "cached_tokens": usage.cached_tokens,
        "computed_tokens": usage.prompt_tokens - usage.cached_tokens,
        "output_tokens": usage.output_tokens,
        "saved_tokens": usage.saved_prompt_tokens + usage.saved_output_tokens,
        "engine_time": round(usage.engine_seconds * 1000),
        "queue_time": round(usage.queue_seconds * 1000),
        "worker_time": round(usage.worker_seconds * 1000),
    }
    return pa.array([counts, *[None] * (rows - 1)], _TYPE)
