"""A call of the server's `llm`, which is all that a function of the DataFrame API is."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as sql

Columns = Column | str | Sequence[Column | str]


def call_aggregate(function: str, columns: Columns, options: Mapping[str, Any]) -> Column:
    """Return the column that an aggregate function of the server makes of values of groups."""
    value = columns if isinstance(columns, Column | str) else sql.struct(*columns)
    return sql.call_function(function, value, *option_map(options))


def call(task: str, columns: Columns, options: Mapping[str, Any]) -> Column:
    """Return the column that the server's `llm` makes; options that are None are left out."""
    several = [columns] if isinstance(columns, Column | str) else list(columns)
    return sql.call_function("llm", sql.lit(task), sql.struct(*several), *option_map(options))


def option_map(options: Mapping[str, Any]) -> list[Column]:
    """Return the map of options that is a call's last argument, none where no option is given."""
    texts = [
        (name, value if isinstance(value, str) else json.dumps(value, default=list))
        for name, value in options.items()
        if value is not None
    ]
    return [sql.create_map(*(sql.lit(text) for pair in texts for text in pair))] if texts else []
