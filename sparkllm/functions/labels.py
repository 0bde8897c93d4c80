"""Functions whose answers are labels."""

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import Column

from sparkllm.functions.calling import Columns, call


def llm_classify(
    text: Columns,
    labels: Sequence[str] | Mapping[str, str] | None = None,
    *,
    multi_label: bool | None = None,
    examples: Sequence[tuple[str, str]] | Mapping[str, str] | None = None,
    **options: Any,
) -> Column:
    """Give each text one of your labels, or all that apply.

    The labels are scored in one pass over the prompt, so an answer is always one of them.

    Args:
        text: the column; in SQL a struct for several, in Python a list.
        labels: the labels, or a map of each to its description. Default positive, negative,
            neutral.
        multi_label: whether the answer is an array of all labels that apply.
        examples: texts with their labels, as pairs or as a map.
        options: as of `llm`.

    Returns:
        STRING; ARRAY<STRING>, in the order of the labels, with `multi_label`.

    Example:
        >>> from sparkllm.functions import llm_classify
        >>> reviews = spark.createDataFrame([("I love it, great value",)], ["review"])
        >>> reviews.select(llm_classify("review", ["positive", "negative"])).first()[0]
        'positive'

    SQL:
        > SELECT llm_classify('I love it, great value', array('positive', 'negative'));
          positive
        > SELECT llm_classify('Where is my parcel?', map('delivery', 'it has not come',
            'refund', 'money back'), examples => map('I want my money', 'refund'));
        > SELECT llm_classify('Where is my parcel?', array('delivery', 'refund'),
            multi_label => true);
    """
    given = {"labels": labels, "multi_label": multi_label, "examples": examples}
    return call("classify", text, {**given, **options})


def llm_sentiment(text: Columns, aspects: Sequence[str] | None = None, **options: Any) -> Column:
    """Say whether a text is positive, negative or neutral, as a whole or about each aspect.

    Args:
        text: the column.
        aspects: what to look at, such as price and quality.
        options: as of `llm`.

    Returns:
        STRING; with aspects a STRUCT of one STRING each: positive, negative, neutral, mixed, or
        NULL where the text says nothing about it.

    Example:
        >>> from sparkllm.functions import llm_sentiment
        >>> reviews = spark.createDataFrame([("Broke after a day, waste of money",)], ["review"])
        >>> reviews.select(llm_sentiment("review")).first()[0]
        'negative'

    SQL:
        > SELECT llm_sentiment('Broke after a day, waste of money');
          negative
        > SELECT s.price, s.quality FROM (SELECT
            llm_sentiment('Cheap, but broke after a day', array('price', 'quality')) AS s);
    """
    return call("sentiment", text, {"aspects": aspects, **options})
