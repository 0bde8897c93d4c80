"""A function whose answers are structs."""

from collections.abc import Sequence
from typing import Any

from pyspark.sql import Column

from sparkllm.functions.calling import Columns, call


def llm_extract(text: Columns, fields: str | Sequence[str], **options: Any) -> Column:
    """Take the values of fields out of a text.

    The model can write nothing but these fields with values of their types.

    Args:
        text: the column.
        fields: the fields as a schema in DDL form, in which a COMMENT describes its field, or as an
            array of names, all STRING.
        options: as of `llm`. `max_tokens` is 256 by default: raise it for many or long fields.

    Returns:
        STRUCT of the fields, each NULL where the text doesn't say it. Needs sparkllm's Catalyst
        extension.

    Example:
        >>> from sparkllm.functions import llm_extract
        >>> mails = spark.createDataFrame([("Anna, order 7731, never arrived",)], ["mail"])
        >>> fields = llm_extract("mail", "name STRING, number INT").alias("f")
        >>> mails.select(fields).schema.simpleString()
        'struct<f:struct<name:string,number:int>>'

    SQL:
        > SELECT f.name, f.number FROM (SELECT llm_extract('Anna, order 7731, never arrived',
            "name STRING, number INT COMMENT 'of the order'") AS f);
        > SELECT llm_extract('Anna, order 7731, never arrived', array('name', 'number')).name;
    """
    return call("extract", text, {"fields": fields, **options})
