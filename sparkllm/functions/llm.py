"""`llm`, the general form: a task or an instruction, columns, options."""

import json
from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as sql


def llm(task: str, *columns: Column | str, **options: Any) -> Column:
    """Ask the model about each row.

    Args:
        task: the name of a task ("classify"), or an instruction, in which `{column}` stands for
            that column's value. Columns without a placeholder are appended as named fields.
        columns: the columns that the model sees, as names or as `Column`.
        options: `labels` (the only answers allowed), `max_tokens`, `temperature`, `top_k`,
            `top_p`, `seed`, `returns` (the type of the answers, such as "INT").

    Returns:
        A column of strings, or of the type that is named: NULL where all columns are NULL or the
        row ended in an error.

    Example:
        >>> from sparkllm.functions import llm
        >>> reviews = spark.createDataFrame([("I love it, great value",)], ["review"])
        >>> reviews.select(llm("classify", "review", labels=["positive", "negative"])).first()[0]
        'positive'
    """
    arguments = [sql.lit(task), sql.struct(*columns)]
    if options:
        texts = (
            (name, value if isinstance(value, str) else json.dumps(value, default=list))
            for name, value in options.items()
        )
        arguments.append(sql.create_map(*(sql.lit(text) for pair in texts for text in pair)))
    return sql.call_function("llm", *arguments)
