"""Softer labels: half the label, half what teachers believe that have not seen the row."""

from dataclasses import replace

import numpy as np
import pytest

from sparkllm.demo_model.corpus.row import Row, Sentiment
from sparkllm.demo_model.corpus.sentence_features import principal
from sparkllm.demo_model.corpus.softening import softened

GOOD = ("lovely", "great", "sturdy", "perfect")
BAD = ("broken", "awful", "flimsy", "useless")


def _rows(count: int = 160) -> list[Row]:
    chance = np.random.default_rng(1)
    rows = []
    for number in range(count):
        sentiment: Sentiment = "positive" if number % 2 else "negative"
        bank = GOOD if number % 2 else BAD
        text = f"{chance.choice(bank)} thing, {chance.choice(bank)} colour, number {number}"
        rows.append(Row("test", text, sentiment))
    return [*rows, Row("test", "it is a thing", "neutral"), Row("test", "it is there", "neutral")]


def _teacher(row: Row) -> dict[str, float]:
    """What the teachers alone believe: the label's half taken off again."""
    return {name: 2 * share - (name == row.sentiment) for name, share in row.beliefs.items()}


def test_beliefs_are_a_distribution_of_which_the_label_has_half_at_least() -> None:
    for row in softened(_rows(), [1.0] * 162, seed=0):
        assert sum(row.beliefs.values()) == pytest.approx(1)
        assert row.sentiment is not None
        assert row.beliefs[row.sentiment] >= 0.5


def test_teachers_learn_from_the_other_rows() -> None:
    rows = softened(_rows(), [1.0] * 162, seed=0)[:160]
    right = [max(_teacher(row), key=_teacher(row).__getitem__) == row.sentiment for row in rows]
    assert np.mean(right) > 0.95


def test_what_teachers_believe_of_a_row_does_not_depend_on_its_label_or_that_of_its_copy() -> None:
    rows = [*_rows(), *[Row("test", "lovely thing", "positive")] * 2]
    flipped = [*rows[:-2], *(replace(row, sentiment="negative") for row in rows[-2:])]
    weights = [1.0] * len(rows)
    before, after = (softened(each, weights, seed=0)[-1] for each in (rows, flipped))
    assert _teacher(before) == pytest.approx(_teacher(after), abs=1e-9)


def test_rows_that_nobody_labelled_are_as_teachers_see_them() -> None:
    unlabelled = [Row("test", "lovely sturdy colour"), Row("test", "awful flimsy thing")] * 20
    rows = softened([*_rows(), *unlabelled], [1.0] * 202, seed=0)
    for row, expected in zip(rows[162:], ["positive", "negative"] * 20, strict=True):
        assert row.sentiment == expected
        assert row.beliefs[expected] > 0.9  # type: ignore[index]


def test_features_of_an_encoder_tell_what_words_cannot() -> None:
    chance = np.random.default_rng(2)
    rows = [replace(row, text=f"row {number}") for number, row in enumerate(_rows())]
    labels = np.array([row.sentiment == "positive" for row in rows], dtype=np.float32)
    features = chance.normal(size=(len(rows), 60)).astype(np.float32) + labels[:, None]
    seen = softened(rows, [1.0] * len(rows), 0, features)[:160]
    blind = softened(rows, [1.0] * len(rows), 0)[:160]

    def sure(rows: list[Row]) -> float:
        return float(np.mean([_teacher(row)[str(row.sentiment)] for row in rows]))

    assert sure(seen) > sure(blind) + 0.1


def test_the_same_seed_softens_the_same_way() -> None:
    first, second = (softened(_rows(), [1.0] * 162, seed=3) for _ in range(2))
    assert first == second


def test_principal_features_keep_what_varies_most() -> None:
    chance = np.random.default_rng(0)
    hidden = chance.normal(size=(500, 2)).astype(np.float32)
    seen = hidden @ chance.normal(size=(2, 30)).astype(np.float32)
    found = principal(seen, 2)
    assert found.shape == (500, 2)
    assert np.square(found).mean() == pytest.approx(1, rel=1e-4)
    # Whatever 30 features say, two directions tell.
    solved, *_ = np.linalg.lstsq(found, seen - seen.mean(0), rcond=None)
    assert np.abs(found @ solved - (seen - seen.mean(0))).max() < 1e-2
