"""Which rows of a table are first occurrences, and which row repeats which."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sparkllm_optimizer.encoding import Integers, combine_codes, encode_table, first_occurrences
from sparkllm_optimizer.normalisation import Normalisation, normalise


@dataclass(frozen=True, slots=True)
class Distinct:
    """The distinct rows of a table.

    `first` [distinct] holds the row id of each first occurrence, ascending; `inverse` [rows] the
    index into `first` of the row equal to each row, so `first[inverse]` maps every row to the one
    that stands for it.
    """

    first: Integers
    inverse: Integers


def distinct_rows(
    table: pa.Table,
    columns: Sequence[str] | None = None,
    normalisation: Normalisation | None = None,
) -> Distinct:
    """Find the distinct rows of a table, comparing `columns` (None: all) by value.

    NULL equals NULL and differs from the empty string; without columns all rows are equal. With a
    `normalisation` rows that differ only in what it ignores are equal as well.
    """
    rows = table.num_rows
    if columns is not None:
        table = table.select(list(columns))
    if normalisation is not None:
        table = normalise(table, normalisation)
    encoded = encode_table(table)
    codes = combine_codes(encoded.codes, encoded.cardinalities, rows)
    return Distinct(first_occurrences(codes), codes.astype(np.int64))
