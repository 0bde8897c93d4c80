"""In which order to ask the calls of a condition: what is cheap and decides much comes first.

Of parts that must all be true, the one with the fewest tokens for a row that it drops is first; of
parts of which one is enough, the one with the fewest tokens for a row that it lets pass. Both are
learned from the windows that were answered; what is long ago counts less.
"""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from sparkllm.worker.condition import AnswerTest, Condition, Rows, Wanted, tests

_KEPT = 0.5
_LEAST = 1e-6


class PredicateOrder:
    """What a task has learned of the calls of a condition.

    Args:
        wanted: a condition over their answers.
        tokens: about how many each call takes for a row, by its position.
    """

    def __init__(self, wanted: Wanted, tokens: Sequence[float]) -> None:
        self._condition = wanted.condition
        self._kept = wanted.kept
        self._tokens = [(0.0, 0.0) for _ in tokens]
        self._guess = tokens
        self._passed: dict[AnswerTest, tuple[float, float]] = {}

    @property
    def has_learned(self) -> bool:
        """Whether a call was answered."""
        return bool(self._passed)

    def calls(self) -> list[int]:
        """Return the positions of the calls, in the order in which to ask them."""
        order, _, _ = self._order(self._condition)
        return list(dict.fromkeys(order))

    def learn(self, call: int, asked: Rows, answers: pa.Array, tokens: int) -> None:
        """Note what came of a call in one window.

        Args:
            call: its position.
            asked: the rows it was asked about, `[rows]`.
            answers: its answers, `[rows]`.
            tokens: that were computed for them, of prompts and answers.
        """
        rows = float(np.count_nonzero(asked))
        self._tokens[call] = _added(self._tokens[call], tokens + rows, rows)
        for test in tests(self._condition):
            if test.call == call:
                passed = float(np.count_nonzero(test.passes(answers)[asked]))
                self._passed[test] = _added(self._passed.get(test, (0.0, 0.0)), passed, rows)

    def _order(self, condition: Condition, in_or: bool = False) -> tuple[list[int], float, float]:
        """Return the order, the tokens for a row, and the share of rows for which it is true."""
        if isinstance(condition, AnswerTest):
            passed, rows = self._passed.get(condition, (0.0, 0.0))
            cost = self._cost(condition.call)
            if condition.call in self._kept and in_or:
                cost = 0.0  # rows that are wanted ask it in any case
            return [condition.call], cost, (passed + 1) / (rows + 2)
        all_of = condition.word == "and"
        parts = [self._order(part, in_or or not all_of) for part in condition.parts]
        parts.sort(key=lambda part: part[1] / max(_LEAST, _decided(part[2], all_of)))
        calls: list[int] = []
        cost, undecided = 0.0, 1.0
        for part_calls, part_cost, true in parts:
            calls += part_calls
            cost += undecided * part_cost
            undecided *= 1 - _decided(true, all_of)
        return calls, cost, undecided if all_of else 1 - undecided

    def _cost(self, call: int) -> float:
        tokens, rows = self._tokens[call]
        return tokens / rows if rows else self._guess[call]


def _decided(true: float, all_of: bool) -> float:
    return 1 - true if all_of else true


def _added(sums: tuple[float, float], amount: float, rows: float) -> tuple[float, float]:
    """Return both sums with those of a window, which weighs twice as much as the one before."""
    return (sums[0] * _KEPT + amount, sums[1] * _KEPT + rows) if rows else sums
