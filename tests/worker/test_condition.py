"""What is known of a condition while some of its answers are missing.

The oracle tries every value that a missing answer may have.
"""

from itertools import product

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from sparkllm.worker.condition import (
    AnswerTest,
    Combination,
    Condition,
    Wanted,
    needing,
    read_condition,
    truth,
)
from sparkllm.worker.predicate_order import PredicateOrder

_VALUES = ("a", "b", None)
_CALLS = 3

_tests = st.builds(
    AnswerTest,
    call=st.integers(0, _CALLS - 1),
    test=st.sampled_from(("in", "not in", "<", ">=")),
    values=st.sampled_from((("a",), ("b",))),
    null=st.booleans(),
)
conditions: st.SearchStrategy[Condition] = st.recursive(
    _tests,
    lambda parts: st.builds(
        Combination,
        st.sampled_from(("and", "or")),
        st.lists(parts, min_size=2, max_size=3).map(tuple),
    ),
    max_leaves=5,
)


def _is_true(condition: Condition, answers: tuple[str | None, ...]) -> bool:
    if isinstance(condition, Combination):
        parts = [_is_true(part, answers) for part in condition.parts]
        return all(parts) if condition.word == "and" else any(parts)
    answer = answers[condition.call]
    if answer is None:
        return condition.null
    [value] = condition.values
    return {
        "in": answer == value,
        "not in": answer != value,
        "<": answer < value,
        ">=": answer >= value,
    }[condition.test]


def _column(answer: str | None) -> pa.Array:
    return pa.array([answer], pa.utf8())


@given(
    conditions,
    st.lists(st.sampled_from(_VALUES), min_size=3, max_size=3),
    st.sets(st.integers(0, 2)),
)
def test_a_row_is_decided_once_its_missing_answers_change_nothing(
    condition: Condition, answers: list[str | None], known: set[int]
) -> None:
    given_answers = {call: _column(answers[call]) for call in known}
    domains = [(answers[call],) if call in known else _VALUES for call in range(_CALLS)]
    outcomes = {_is_true(condition, completed) for completed in product(*domains)}
    [said] = truth(condition, given_answers, 1).tolist()
    if said:
        assert outcomes == {said > 0}
    if len(known) == _CALLS:
        assert said == (1 if outcomes == {True} else -1)


@given(
    conditions,
    st.permutations(range(_CALLS)),
    st.lists(st.sampled_from(_VALUES), min_size=3, max_size=3),
)
def test_asking_only_where_it_may_matter_finds_the_truth(
    condition: Condition, order: list[int], answers: list[str | None]
) -> None:
    got: dict[int, pa.Array] = {}
    for call in order:
        [needed] = needing(condition, call, got, 1).tolist()
        got[call] = _column(answers[call] if needed else None)
    [said] = truth(condition, got, 1).tolist()
    assert said == (1 if _is_true(condition, tuple(answers)) else -1)


def test_numbers_and_truth_values_compare_with_constants_of_their_type() -> None:
    above = AnswerTest(0, ">", (0.5,), null=False)
    assert above.passes(pa.array([0.4, 0.6, None])).tolist() == [False, True, False]
    entry = {"or": [{"call": 1, "test": "in", "values": [True], "null": True}]}
    condition = read_condition(entry)
    assert truth(condition, {1: pa.array([True, False, None])}, 3).tolist() == [1, -1, 1]


def _learned(tokens: dict[int, int], passing: dict[int, int], word: str) -> list[int]:
    """The order after a window of ten rows in which each call was asked about all."""
    parts = tuple(AnswerTest(call, "in", ("yes",), null=False) for call in sorted(tokens))
    order = PredicateOrder(Wanted(Combination(word, parts)), [1.0] * len(parts))
    asked = pa.array([True] * 10).to_numpy(zero_copy_only=False)
    for call in sorted(tokens):
        answers = ["yes"] * passing[call] + ["no"] * (10 - passing[call])
        order.learn(call, asked, pa.array(answers), 10 * tokens[call])
    return order.calls()


def test_of_and_what_drops_most_rows_a_token_is_first() -> None:
    assert _learned({0: 10, 1: 10, 2: 10}, {0: 9, 1: 1, 2: 5}, "and") == [1, 2, 0]
    assert _learned({0: 10, 1: 100}, {0: 5, 1: 4}, "and") == [0, 1]
    assert _learned({0: 100, 1: 10}, {0: 1, 1: 7}, "and") == [1, 0]


def test_of_or_what_lets_most_rows_pass_a_token_is_first() -> None:
    assert _learned({0: 10, 1: 10, 2: 10}, {0: 1, 1: 9, 2: 5}, "or") == [1, 2, 0]


def test_at_first_calls_are_asked_by_their_length_and_else_as_written() -> None:
    parts = tuple(AnswerTest(call, "in", ("yes",), null=False) for call in range(3))
    assert PredicateOrder(Wanted(Combination("and", parts)), [9.0, 9.0, 2.0]).calls() == [2, 0, 1]


def test_of_or_what_wanted_rows_ask_in_any_case_is_first() -> None:
    parts = tuple(AnswerTest(call, "in", ("yes",), null=False) for call in range(2))
    wanted = Wanted(Combination("or", parts), kept=frozenset([1]))
    assert PredicateOrder(wanted, [2.0, 9.0]).calls() == [1, 0]
