"""What the accuracies of `benchmarks.accuracy` count."""

from benchmarks.accuracy.__main__ import accuracy


def test_an_error_is_a_wrong_answer() -> None:
    assert accuracy(["a", None, "b", "b"], ["a", "a", "b", "a"]) == 0.5
    assert accuracy([True, None], [True, False]) == 0.5


def test_of_structs_each_field_counts_and_an_error_is_wrong_in_all() -> None:
    truth = [{"name": "Anna", "order": None}, {"name": None, "order": None}]
    assert accuracy([{"name": "Anna", "order": "7"}, None], truth) == 0.25
