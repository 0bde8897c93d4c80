"""The evaluation: metrics as scikit-learn has them, held-out rows, pairs that ask alike."""

import gzip
import json
import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, f1_score

from sparkllm.demo_model.corpus.row import Row
from sparkllm.demo_model.corpus.split import is_held_out
from sparkllm.demo_model.evaluation import metrics
from sparkllm.demo_model.evaluation.baselines import linear_answers, majority_answers
from sparkllm.demo_model.evaluation.stability import stability_checks
from sparkllm.demo_model.evaluation.tasks import evaluation_tasks, intents, slots

answers = st.lists(st.tuples(st.sampled_from(["yes", "no"]), st.sampled_from(["yes", "no"])))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small copy of the layout of the data, with made-up rows."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "labelled").mkdir()
    (folder / "tables").mkdir()
    labels = [f"label_{number}" for number in range(12)]
    for name in ("snips", "clinc150", "banking77"):
        rows = [
            {"text": f"{label} please {number}", "label": label, "slots": {"who": [str(number)]}}
            for label in labels
            for number in range(20)
        ]
        _write(folder, name, rows)
    kinds = ("positive", "negative")
    _write(
        folder,
        "uci_sentiment_sentences",
        [{"text": f"{kind} thing {n}", "label": kind} for kind in kinds for n in range(40)],
    )
    emotions = (["joy"], ["anger"], ["neutral"])
    _write(
        folder,
        "goemotions",
        [{"text": f"{kind} {n}", "labels": kind} for kind in emotions for n in range(40)],
    )
    _write(
        folder,
        "sms_spam",
        [{"text": f"{kind} {n}", "label": kind} for kind in ("spam", "ham") for n in range(60)],
    )
    clothing = {"title": "T", "department_name": "D", "class_name": "C", "division_name": "V"}
    _table(
        folder,
        "womens_clothing_reviews",
        [
            {
                "review_text": f"dress {n}",
                "rating": n % 5 + 1,
                "recommended_ind": str(n % 2),
                "age": "40",
                "clothing_id": "7",
                **clothing,
            }
            for n in range(120)
        ],
    )
    food = {"Summary": "S", "ProductId": "P"}
    _table(
        folder,
        "amazon_fine_food_1k",
        [{"Text": f"tea {n}", "Score": str(n % 5 + 1), **food} for n in range(120)],
    )
    names = ("title", "director", "country", "release_year", "rating", "duration", "listed_in")
    _table(
        folder,
        "netflix_titles",
        [
            {"type": ("Movie", "TV Show")[n % 2], "description": f"film {n}"}
            | {name: f"{name} {n}" for name in names}
            for n in range(120)
        ],
    )
    return folder


def _write(folder: Path, name: str, rows: list[dict[str, object]]) -> None:
    with gzip.open(folder / "labelled" / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def _table(folder: Path, name: str, rows: list[dict[str, object]]) -> None:
    pq.write_table(pa.Table.from_pylist(rows), folder / "tables" / f"{name}.parquet")


@pytest.mark.filterwarnings("ignore:A single label was found")
@given(answers.filter(bool))
def test_metrics_are_those_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    given_, truth = (list(side) for side in zip(*pairs, strict=True))
    expected = f1_score(truth, given_, pos_label="yes", zero_division=0.0)
    assert metrics.yes_f1(given_, truth) == pytest.approx(expected)
    present = [(a, t) for a, t in pairs if a in {true for _, true in pairs}]
    if present:
        given_, truth = (list(side) for side in zip(*present, strict=True))
        expected = balanced_accuracy_score(truth, given_)
        assert metrics.balanced_accuracy(given_, truth) == pytest.approx(expected)


def test_slots_count_where_name_and_text_are_right() -> None:
    truth = ['{"a": "x", "b": null}', '{"a": "y", "c": "z"}', '{"a": null}']
    found = ['{"a": "x", "b": "w"}', '{"a": "Y", "c": "z"}', "no JSON"]
    # Right: a of the first, c of the second; said 4, there 3.
    assert metrics.slot_f1(found, truth) == pytest.approx(2 * 2 / (4 + 3))
    assert metrics.slot_f1(truth, truth) == 1
    assert metrics.valid_json(found) == pytest.approx(2 / 3)


def test_words_of_titles_count_however_they_are_written() -> None:
    assert metrics.word_f1(["Great, dress!"], ["great dress"]) == 1
    assert metrics.word_f1(["great dress"], ["great fit here"]) == pytest.approx(2 / 5)
    assert metrics.word_f1(["bad"], ["good"]) == 0


def test_every_task_asks_held_out_rows_only_and_teaches_baselines_the_others(data: Path) -> None:
    tasks = list(evaluation_tasks(data))
    assert len({task.name for task in tasks}) == len(tasks) == 16
    for task in tasks[1:]:  # the product reviews were written for the evaluation
        assert task.held_out, task.name
        assert all(map(is_held_out, task.texts)), task.name
        assert not any(map(is_held_out, task.training_texts)), task.name


def test_answers_are_among_the_choices_and_baselines_keep_to_them(data: Path) -> None:
    for task in evaluation_tasks(data):
        if not task.held_out[0].choices or task.name.startswith(("product", "written")):
            continue
        assert all(example.answer in example.choices for example in task.held_out)
        for baseline in (majority_answers(task), linear_answers(task)):
            assert baseline is not None
            for answer, example in zip(baseline, task.held_out, strict=True):
                assert answer in example.choices


def test_ten_labels_hold_the_true_one_once_at_any_place(data: Path) -> None:
    asked = [example for _, example in intents(data, "clinc150", 10)]
    assert all(len(set(example.choices)) == 10 for example in asked)
    places = {example.choices.index(example.answer) for example in asked}
    assert places == set(range(10))


def test_the_answer_with_slots_is_valid_for_its_schema() -> None:
    example = slots(Row("test", "call Ann", slots={"who": "Ann"}), ["when", "who"])
    schema = json.loads(example.schema)
    assert list(schema["properties"]) == ["when", "who"]
    assert json.loads(example.answer) == {"when": None, "who": "Ann"}


def test_pairs_of_a_stability_check_differ_in_order_alone(data: Path) -> None:
    for check in stability_checks(data, rows=5):
        assert check.pairs, check.name
        for one, other in check.pairs:
            assert one.pieces != other.pieces
            assert sorted("".join(one.pieces).split("\n")) == sorted(
                "".join(other.pieces).split("\n")
            )
            assert set(one.choices) == set(other.choices)


def test_a_stability_check_draws_the_same_rows_again(data: Path) -> None:
    random.seed(1)
    first = list(stability_checks(data, rows=5))
    random.seed(2)
    assert first == list(stability_checks(data, rows=5))
