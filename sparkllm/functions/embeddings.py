"""Functions that compare texts by what they mean."""

from typing import Any

from pyspark.sql import Column
from pyspark.sql import functions as sql

from sparkllm.functions.calling import call, option_map


def llm_embed(text: Column | str, model: str | None = None, **options: Any) -> Column:
    """Turn a text into numbers that are close for texts that mean about the same.

    With `spark.sparkllm.embedding.model` or `model`, that model embeds: an encoder, or a decoder
    that was trained for it, loaded through transformers, in an engine process of its own. Its
    hidden states are pooled as its folder says (sentence-transformers' `1_Pooling`), else by their
    mean. Without, the embedding is the last hidden state of the session's model at the text's last
    token. That takes no further memory, but a model that was not trained for it tells texts apart
    less well. A text is embedded as it is, without instruction or chat template.

    Args:
        text: the column.
        model: Hugging Face id or local path of the embedding model.
        options: `on_error`, `max_error_ratio`, `overflow`.

    Returns:
        ARRAY<FLOAT> of Euclidean length 1, so that the cosine of two is the sum of their products.
        A text that is longer than the model takes is an error of its row unless `overflow` is
        `truncate`. Needs sparkllm's Catalyst extension.

    Example:
        >>> from sparkllm.functions import llm_embed
        >>> texts = spark.createDataFrame([("Great dress",)], ["text"])
        >>> embedding = texts.select(llm_embed("text")).first()[0]
        >>> round(sum(number * number for number in embedding), 3)
        1.0

    SQL:
        > SELECT size(llm_embed('Great dress')) > 1;
          true
        > SELECT review, llm_embed(review) FROM VALUES ('Great dress'), ('Too small') AS t(review);
    """
    return call("embed", text, {"model": model, **options})


def llm_similarity(a: Column | str, b: Column | str, **options: Any) -> Column:
    """Say how close two texts are in meaning: the cosine of their embeddings.

    Args:
        a: a column with texts, or with their embeddings as an array of numbers.
        b: as `a`. A constant text is embedded once in a query.
        options: `model` as of `llm_embed`, `on_error` (`null` or `fail`), `max_error_ratio`,
            `overflow`.

    Returns:
        DOUBLE from -1 to 1; NULL where one has no embedding, or where embeddings differ in size.
        Needs sparkllm's Catalyst extension.

    Example:
        >>> from sparkllm.functions import llm_similarity
        >>> texts = spark.createDataFrame([("Great dress", "Great dress")], ["a", "b"])
        >>> round(texts.select(llm_similarity("a", "b")).first()[0], 3)
        1.0

    SQL:
        > SELECT llm_similarity('Great dress', 'Great dress') > 0.999;
          true
        > SELECT review FROM VALUES ('Great dress'), ('Where is my parcel?') AS t(review)
          ORDER BY llm_similarity(review, 'A lovely dress') DESC LIMIT 1;
    """
    return sql.call_function("llm_similarity", a, b, *option_map(options))
