"""Functions whose answers are texts."""

from collections.abc import Sequence
from typing import Any

from pyspark.sql import Column

from sparkllm.functions.calling import Columns, call


def llm_summarize(text: Columns, max_words: int | None = None, **options: Any) -> Column:
    """Make a text shorter.

    Args:
        text: the column.
        max_words: how long the summary may be: the model is asked to keep to it. Default 50, 0 for
            no limit.
        options: as of `llm`.

    Returns:
        STRING.

    Example:
        >>> from sparkllm.functions import llm_summarize
        >>> reviews = spark.createDataFrame([("I love it, great value",)], ["review"])
        >>> summary = llm_summarize("review", 5, max_tokens=16)
        >>> summaries = reviews.select(summary.alias("summary")).collect()

    SQL:
        > SELECT llm_summarize('I love it, great value, came in two days', 5, max_tokens => 16);
        > SELECT llm_summarize(review, max_words => 10, max_tokens => 16)
          FROM VALUES ('I love it, great value') AS t(review);
    """
    return call("summarize", text, {"max_words": max_words, **options})


def llm_translate(text: Columns, language: str, **options: Any) -> Column:
    """Translate a text.

    Args:
        text: the column, in any language.
        language: what to translate into, such as German.
        options: as of `llm`.

    Returns:
        STRING.

    Example:
        >>> from sparkllm.functions import llm_translate
        >>> reviews = spark.createDataFrame([("I love it",)], ["review"])
        >>> german = llm_translate("review", "German", max_tokens=16)
        >>> translated = reviews.select(german.alias("german")).collect()

    SQL:
        > SELECT llm_translate('I love it', 'German', max_tokens => 16);
    """
    return call("translate", text, {"language": language, **options})


def llm_fix_grammar(text: Columns, **options: Any) -> Column:
    """Correct the spelling and grammar of a text.

    Args:
        text: the column.
        options: as of `llm`.

    Returns:
        STRING.

    Example:
        >>> from sparkllm.functions import llm_fix_grammar
        >>> reviews = spark.createDataFrame([("I loves it",)], ["review"])
        >>> correct = llm_fix_grammar("review", max_tokens=16)
        >>> corrected = reviews.select(correct.alias("correct")).collect()

    SQL:
        > SELECT llm_fix_grammar('I loves it', max_tokens => 16);
    """
    return call("fix_grammar", text, options)


def llm_mask(text: Columns, entities: Sequence[str] | None = None, **options: Any) -> Column:
    """Write [MASKED] in place of names, addresses and the like.

    A model can miss an entity: look at a sample before you publish.

    Args:
        text: the column.
        entities: what to mask. Default person, email, phone number, address.
        options: as of `llm`.

    Returns:
        STRING.

    Example:
        >>> from sparkllm.functions import llm_mask
        >>> mails = spark.createDataFrame([("Anna called about order 7731",)], ["mail"])
        >>> masked = llm_mask("mail", ["person"], max_tokens=16)
        >>> published = mails.select(masked.alias("masked")).collect()

    SQL:
        > SELECT llm_mask('Anna called about order 7731', array('person'), max_tokens => 16);
    """
    return call("mask", text, {"entities": entities, **options})


def llm_generate(request: Columns, **options: Any) -> Column:
    """Answer a request that stands in each row.

    A request that is the same for all rows belongs into the first argument of `llm`, and the row's
    values into columns: then row text is data, and all rows share the instruction.

    Args:
        request: the column with the request.
        options: as of `llm`.

    Returns:
        STRING.

    Example:
        >>> from sparkllm.functions import llm_generate
        >>> requests = spark.createDataFrame([("Name a colour",)], ["request"])
        >>> answers = requests.select(llm_generate("request", max_tokens=8).alias("a")).collect()

    SQL:
        > SELECT llm_generate(concat('Name a ', thing), max_tokens => 8)
          FROM VALUES ('colour'), ('city') AS t(thing);
    """
    return call("generate", request, options)
