"""The fields that an answer is to have, as a template shows them."""

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DescribedField:
    """A field: its name, and what the comment in the schema says about it."""

    name: str
    description: str


def described_fields(returns: str | None) -> tuple[DescribedField, ...]:
    """Return the fields of a struct type in Spark's JSON form; none for another type."""
    body = json.loads(returns) if returns else None
    if not isinstance(body, dict) or body.get("type") != "struct":
        return ()
    return tuple(
        DescribedField(entry["name"], str(entry.get("metadata", {}).get("comment", "")))
        for entry in body["fields"]
    )
