"""Values as prompt text: JSON, so that row text stays inside its quotes."""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

_encode = json.JSONEncoder(ensure_ascii=False, default=str).encode


def render_values(values: Iterable[Any]) -> list[str]:
    """Return each value as JSON text: strings quoted and escaped, NULL as `null`."""
    return [str(value) if isinstance(value, Decimal) else _encode(value) for value in values]


def render_fields(name: str, values: Iterable[Any], end: str = "\n") -> list[str]:
    """Return each value as the line `name: value` with its newline, or another end."""
    label = name if name.isprintable() and ":" not in name else _encode(name)
    return [f"{label}: {value}{end}" for value in render_values(values)]
