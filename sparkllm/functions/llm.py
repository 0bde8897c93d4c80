"""`llm`, the general form: a task or an instruction, columns, options."""

from typing import Any

from pyspark.sql import Column

from sparkllm.functions.calling import call


def llm(task: str, *columns: Column | str, **options: Any) -> Column:
    """Ask the model about each row: a task by its name, or an instruction in your own words.

    Args:
        task: the name of a task ("classify"), or an instruction, in which `{column}` stands for
            that column's value. Columns without a placeholder are appended as named fields.
        columns: the columns that the model sees, as names or as `Column`.
        options: those of the task; for an instruction `labels` (the only answers allowed); and
            `max_tokens`, `min_tokens`, `stop`, `temperature`, `top_k`, `top_p`, `seed`, `returns`
            (the type of the answers, such as "INT"), `on_error`, `max_error_ratio`, `overflow`.

    Returns:
        A column of strings, or of the type that is named: NULL where all columns are NULL or the
        row ended in an error.

    Example:
        >>> from sparkllm.functions import llm
        >>> reviews = spark.createDataFrame([("I love it, great value",)], ["review"])
        >>> reviews.select(llm("classify", "review", labels=["positive", "negative"])).first()[0]
        'positive'

    SQL:
        > SELECT llm('classify', review, labels => array('positive', 'negative'))
          FROM VALUES ('I love it, great value') AS t(review);
          positive
        > SELECT llm('How many stars, 1 to 5?', review, labels => array('1', '2', '3', '4', '5'))
          FROM VALUES ('I love it, great value') AS t(review);
    """
    return call(task, columns, options)
