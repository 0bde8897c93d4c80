"""What texts cost, before a model is asked."""

from typing import Any

from pyspark.sql import Column

from sparkllm.functions.calling import call


def llm_count_tokens(text: Column | str, **options: Any) -> Column:
    """Count the tokens of a text as the session's model reads it. No model is called or started.

    Args:
        text: the column.
        options: `on_error`, `max_error_ratio`.

    Returns:
        INT: tokens of the text alone; a prompt adds the instruction and the field's name.

    Example:
        >>> from sparkllm.functions import llm_count_tokens
        >>> texts = spark.createDataFrame([("",), ("Great dress",)], ["text"])
        >>> [row[0] > 0 for row in texts.select(llm_count_tokens("text")).collect()]
        [False, True]

    SQL:
        > SELECT llm_count_tokens('');
          0
        > SELECT sum(llm_count_tokens(review)) > 3
          FROM VALUES ('It fits, great dress') AS t(review);
          true
    """
    return call("count_tokens", text, options)
