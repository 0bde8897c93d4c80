"""A condition over the answers of calls, where some of them are not there yet.

The truth of a row is -1 (not true, NULL among it), 0 (not known yet) or 1 (true): so AND is the
minimum of its parts, and OR the maximum. There is no NOT: a test says when it passes. The Catalyst
extension writes conditions (`AnswerCondition`).
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Truth = np.ndarray[tuple[int], np.dtype[np.int8]]
Rows = np.ndarray[tuple[int], np.dtype[np.bool_]]

_COMPARE: Final[dict[str, Callable[[pa.Array, pa.Scalar], pa.Array]]] = {
    "<": pc.less,
    "<=": pc.less_equal,
    ">": pc.greater,
    ">=": pc.greater_equal,
}


@dataclass(frozen=True, slots=True)
class AnswerTest:
    """A comparison of the answer of one call with constants.

    `test` is `in`, `not in`, `<`, `<=`, `>` or `>=`; `null` says whether NULL passes.
    """

    call: int
    test: str
    values: tuple[Any, ...]
    null: bool

    def passes(self, answers: pa.Array) -> Rows:
        """Return for each answer whether it passes."""
        constants = [pa.scalar(value, answers.type) for value in self.values]
        if self.test in _COMPARE:
            passed = _COMPARE[self.test](answers, constants[0])
        else:
            among = (pc.equal(answers, constant) for constant in constants)
            none = pc.and_(answers.is_valid(), False)
            passed = reduce(pc.or_, among, none)
            passed = pc.invert(passed) if self.test == "not in" else passed
        known: Rows = pc.fill_null(passed, False).to_numpy(zero_copy_only=False)
        return np.where(answers.is_valid().to_numpy(zero_copy_only=False), known, self.null)


@dataclass(frozen=True, slots=True)
class Combination:
    """Parts of which all (`and`) or one (`or`) must be true."""

    word: str
    parts: tuple["Condition", ...]


Condition = AnswerTest | Combination


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows are wanted, and the calls whose answers these have in any case."""

    condition: Condition
    kept: frozenset[int] = frozenset()

    def names(self, call: int) -> bool:
        """Whether the condition is about the answer of a call."""
        return any(test.call == call for test in tests(self.condition))

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> "Wanted":
        """Return what the Catalyst extension wrote as JSON."""
        return cls(read_condition(entry["condition"]), frozenset(entry["kept"]))


def read_condition(entry: Mapping[str, Any]) -> Condition:
    """Return the condition that the Catalyst extension wrote as JSON."""
    if "call" in entry:
        return AnswerTest(entry["call"], entry["test"], tuple(entry["values"]), entry["null"])
    [(word, parts)] = entry.items()
    return Combination(word, tuple(read_condition(part) for part in parts))


def tests(condition: Condition) -> Iterator[AnswerTest]:
    """Yield the tests of a condition, in the order in which they are written."""
    if isinstance(condition, AnswerTest):
        yield condition
    else:
        for part in condition.parts:
            yield from tests(part)


def truth(condition: Condition, answers: Mapping[int, pa.Array], rows: int) -> Truth:
    """Return what is known of each row, given the answers of some calls by their positions."""
    if isinstance(condition, Combination):
        parts = [truth(part, answers, rows) for part in condition.parts]
        return reduce(np.minimum if condition.word == "and" else np.maximum, parts)
    if condition.call not in answers:
        return np.zeros(rows, np.int8)
    passed = condition.passes(answers[condition.call])
    return np.where(passed, np.int8(1), np.int8(-1))


def needing(condition: Condition, call: int, answers: Mapping[int, pa.Array], rows: int) -> Rows:
    """Return the rows whose truth the answer of a call may still decide."""
    undecided: Rows = truth(condition, answers, rows) == 0
    if isinstance(condition, AnswerTest):
        return undecided if condition.call == call else np.zeros(rows, bool)
    parts = [needing(part, call, answers, rows) for part in condition.parts]
    return undecided & reduce(operator.or_, parts)
