"""Functions that answer whether something is so."""

from typing import Any

from pyspark.sql import Column

from sparkllm.functions.calling import call


def llm_filter(instruction: str, *columns: Column | str, **options: Any) -> Column:
    """Answer a yes-or-no question about each row, for WHERE and ON.

    In the condition of a join it is asked about the pairs of rows that the predicates without a
    call form, each different pair once. More pairs than `spark.sparkllm.join.maxPairs` allows are
    an error before any is asked. FULL OUTER joins are refused.

    Args:
        instruction: the question, constant; `{column}` stands for that column's value.
        columns: the columns that the model sees.
        options: as of `llm`.

    Returns:
        BOOLEAN: whether yes is likelier than no.

    Example:
        >>> from sparkllm.functions import llm_filter
        >>> reviews = spark.createDataFrame([("I love it, great value",)], ["review"])
        >>> reviews.where(llm_filter("Is this review positive?", "review")).count()
        1

    SQL:
        > SELECT llm_filter('Is this review positive?', review)
          FROM VALUES ('I love it, great value') AS t(review);
          true
        > SELECT count(*) FROM VALUES ('I love it', 'lamp') AS t(review, product)
          WHERE llm_filter('Does {review} praise {product}?', review, product);
        > SELECT count(*)
          FROM VALUES (1, 'lamp'), (2, 'vase') AS p(shop, product)
          JOIN VALUES (1, 'The light flickers'), (2, 'Too small') AS r(shop, review)
          ON p.shop = r.shop AND llm_filter('Is {review} about {product}?', review, product);
    """
    return call("filter", columns, {"instruction": instruction, **options})


def llm_score(instruction: str, *columns: Column | str, **options: Any) -> Column:
    """Give the probability that the answer to a yes-or-no question is yes, for ORDER BY.

    The prompt is that of `llm_filter`: a query with both asks once.

    Args:
        instruction: the question, constant; `{column}` stands for that column's value.
        columns: the columns that the model sees.
        options: as of `llm`.

    Returns:
        DOUBLE from 0 to 1, from the model's probabilities of yes and no.

    Example:
        >>> from sparkllm.functions import llm_score
        >>> reviews = spark.createDataFrame([("I love it, great value",)], ["review"])
        >>> reviews.select(llm_score("Is this review positive?", "review") > 0.5).first()[0]
        True

    SQL:
        > SELECT review
          FROM VALUES ('Broke after a day, waste of money'), ('I love it, great value') AS t(review)
          ORDER BY llm_score('Is this review positive?', review) DESC LIMIT 1;
          I love it, great value
    """
    return call("score", columns, {"instruction": instruction, **options})
