"""Which rows of a table are first occurrences, and which row repeats which."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from sparkllm_optimizer.encoding import Integers, combine_codes, encode_table, first_occurrences


@dataclass(frozen=True, slots=True)
class Distinct:
    """The distinct rows of a table.

    `first` [distinct] holds the row id of each first occurrence, ascending; `inverse` [rows] the
    index into `first` of the row equal to each row, so `first[inverse]` maps every row to the one
    that stands for it.
    """

    first: Integers
    inverse: Integers


def distinct_rows(table: pa.Table) -> Distinct:
    """Find the distinct rows of a table, comparing all its columns by value.

    NULL equals NULL and differs from the empty string; without columns all rows are equal.
    """
    encoded = encode_table(table)
    codes = combine_codes(encoded.codes, encoded.cardinalities, encoded.rows)
    return Distinct(first_occurrences(codes), codes.astype(np.int64))
