"""Aggregate functions: one answer for all values of a group."""

from typing import Any

from pyspark.sql import Column

from sparkllm.functions.calling import Columns, call_aggregate


def llm_agg(text: Columns, instruction: str, **options: Any) -> Column:
    """Answer an instruction about all texts of a group together, for GROUP BY.

    A group may be of any size: its texts go into as many prompts as the model's context asks for,
    and their answers are put together the same way, until there is one. The texts are put in one
    order first, so the answer is the same for any order and partitioning of the rows. Equal texts
    stand in a prompt once, with their number. A text that is too long for a prompt goes into
    several. If one of the prompts ends in an error, the group does. It can't be used with OVER.

    Args:
        text: the column; in SQL a struct for several, in Python a list. NULL is left out.
        instruction: what to say about the group, constant.
        options: as of `llm`; `chunk_tokens`: most tokens of texts in a prompt. Default what the
            model's context leaves for them, at most 4096.

    Returns:
        STRING, or what `returns` names; NULL for a group without a text.

    Example:
        >>> from sparkllm.functions import llm_agg
        >>> rows = [("lamp", "Broke after a day"), ("lamp", "Love it"), ("vase", "Too small")]
        >>> reviews = spark.createDataFrame(rows, ["product", "review"])
        >>> complaint = llm_agg("review", "What do they complain about?", max_tokens=32)
        >>> reviews.groupBy("product").agg(complaint.alias("complaint")).count()
        2

    SQL:
        > SELECT product, count(*), llm_agg(review, 'What do they complain of?', max_tokens => 32)
          FROM VALUES ('lamp', 'Broke after a day'), ('lamp', 'Love it') AS t(product, review)
          GROUP BY product;
        > SELECT llm_agg(review, 'What do they complain about?') IS NULL
          FROM VALUES (CAST(NULL AS STRING)) AS t(review);
          true
    """
    return call_aggregate("llm_agg", text, {"instruction": instruction, **options})


def llm_summarize_agg(text: Columns, max_words: int | None = None, **options: Any) -> Column:
    """Summarize all texts of a group together, for GROUP BY.

    As `llm_agg`: groups of any size, one answer for any order and partitioning of the rows.

    Args:
        text: the column; in SQL a struct for several, in Python a list. NULL is left out.
        max_words: how long the summary may be: the model is asked to keep to it. Default 50, 0 for
            no limit.
        options: as of `llm_agg`.

    Returns:
        STRING; NULL for a group without a text.

    Example:
        >>> from sparkllm.functions import llm_summarize_agg
        >>> reviews = spark.createDataFrame([("Broke after a day",), ("Love it",)], ["review"])
        >>> reviews.agg(llm_summarize_agg("review", 10, max_tokens=32)).count()
        1

    SQL:
        > SELECT llm_summarize_agg(review, 10, max_tokens => 32)
          FROM VALUES ('Broke after a day'), ('Love it') AS t(review);
    """
    return call_aggregate("llm_summarize_agg", text, {"max_words": max_words, **options})
