"""How pairs of columns repeat together: what functional dependencies and orders are read from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sparkllm_optimizer.cells import Cells
from sparkllm_optimizer.encoding import Codes, Integers

_SAMPLE = 20_000


@dataclass(frozen=True, slots=True)
class PairStatistics:
    """Repetition of columns and of pairs of columns, on `rows` rows.

    `distinct` [columns] counts the distinct values of a column, `joint` [columns, columns] those
    of a pair; `saved` [columns] is what grouping by a column saves of its cells, and
    `given` [columns, columns] what it saves of column d after column c (index [c, d]).
    """

    rows: int
    distinct: Integers
    joint: Integers
    saved: Integers
    given: Integers


def pair_statistics(cells: Cells, most_rows: int = _SAMPLE) -> PairStatistics:
    """Count on all rows, or on an even sample of at most `most_rows`."""
    if cells.rows > most_rows:
        cells = cells.take(np.arange(most_rows, dtype=np.int64) * cells.rows // most_rows)
    count = cells.columns
    dense = [_dense(cells.codes[:, column]) for column in range(count)]
    weights = [widths[values] for widths, (_, values) in zip(cells.widths, dense, strict=True)]
    total = [int(weight[codes].sum()) for weight, (codes, _) in zip(weights, dense, strict=True)]
    distinct = np.array([len(values) for _, values in dense], np.int64)
    saved = np.array([whole - int(w.sum()) for whole, w in zip(total, weights, strict=True)])
    joint = np.zeros((count, count), np.int64)
    given = np.zeros((count, count), np.int64)
    for left in range(count):
        joint[left, left], given[left, left] = distinct[left], saved[left]
        for right in range(left + 1, count):
            seen = _seen_pairs(dense[left], dense[right])
            joint[left, right] = joint[right, left] = len(seen)
            given[left, right] = total[right] - int(weights[right][seen % distinct[right]].sum())
            given[right, left] = total[left] - int(weights[left][seen // distinct[right]].sum())
    return PairStatistics(cells.rows, distinct, joint, saved, given)


def _dense(codes: Codes) -> tuple[Integers, Integers]:
    values, dense = np.unique(codes, return_inverse=True)
    return dense.astype(np.int64), values.astype(np.int64)


def _seen_pairs(left: tuple[Integers, Integers], right: tuple[Integers, Integers]) -> Integers:
    size = len(left[1]) * len(right[1])
    keys = left[0] * len(right[1]) + right[0]
    if size <= 4 * len(keys):
        seen: npt.NDArray[np.bool_] = np.zeros(size, bool)
        seen[keys] = True
        return np.flatnonzero(seen).astype(np.int64)
    keys.sort()
    fresh = np.ones(len(keys), bool)
    fresh[1:] = keys[1:] != keys[:-1]
    return keys[fresh]
