"""The training examples are the product's own prompts, on the right side of the split."""

import json
import random
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from sparkllm.demo_model import path
from sparkllm.demo_model.corpus.asking import Asker
from sparkllm.demo_model.corpus.example import Example
from sparkllm.demo_model.corpus.noise import typed
from sparkllm.demo_model.corpus.recombined import recombined
from sparkllm.demo_model.corpus.rendering import user_message
from sparkllm.demo_model.corpus.row import Row, sentiment_of_stars
from sparkllm.demo_model.corpus.sources import sentences, sentiment_of_emotions
from sparkllm.demo_model.corpus.spelling import respelled, words
from sparkllm.demo_model.corpus.split import is_held_out
from sparkllm.demo_model.corpus.written import ReviewWriter
from sparkllm.demo_model.evaluation.tasks import product_reviews
from sparkllm.demo_model.prompting import PromptEncoder
from sparkllm.tasks import Call

SENTIMENTS = ("positive", "negative", "neutral")


def test_a_classify_prompt_is_the_one_the_product_sends() -> None:
    pieces, choices = user_message(Call("classify", ("text",)), {"text": 'so "tiny"\nReturned'})
    assert "".join(pieces) == (
        "Classify the input. Answer with one of these labels:\n"
        "- positive\n- negative\n- neutral\n\n"
        'text: "so \\"tiny\\"\\nReturned"\n'
    )
    assert choices == SENTIMENTS


def test_a_slot_of_an_instruction_takes_the_quoted_value() -> None:
    call = Call("Is {review} about {product}? Answer yes or no.", ("review", "product"))
    pieces, _ = user_message(call, {"review": "a\nb", "product": "kettle"})
    assert "".join(pieces) == 'Is "a\\nb" about "kettle"? Answer yes or no.\n'


def test_an_encoded_example_is_the_chat_template_around_message_and_answer() -> None:
    tokenizer = AutoTokenizer.from_pretrained(path())
    example = Asker(random.Random(1)).about_sentiment(Row("test", "Works well.", "positive", 5))
    encoded = PromptEncoder(tokenizer).example(example)
    messages = [
        {"role": "user", "content": "".join(example.pieces)},
        {"role": "assistant", "content": example.answer},
    ]
    expected = tokenizer.apply_chat_template(messages, tokenize=False)
    assert tokenizer.decode(encoded.ids) == expected
    assert tokenizer.decode(encoded.ids[encoded.answer_start :]) == f"{example.answer}<|end|>"


def test_tokens_within_the_keys_of_an_object_are_given() -> None:
    tokenizer = AutoTokenizer.from_pretrained(path())
    answer = '{"from, to": "Rome, Oslo", "n": null}'
    encoded = PromptEncoder(tokenizer).example(Example("test", ("What?",), answer, ()))
    ids = encoded.ids[encoded.answer_start :]
    given = {place - encoded.answer_start for place in encoded.given}
    found = "".join(tokenizer.decode([id_]) for place, id_ in enumerate(ids) if place not in given)
    fixed = "".join(tokenizer.decode([id_]) for place, id_ in enumerate(ids) if place in given)
    assert "Rome, Oslo" in found
    assert "null" in found
    assert "from, to" in fixed
    assert "null" not in fixed


def test_a_closed_answer_has_no_given_tokens() -> None:
    encoder = PromptEncoder(AutoTokenizer.from_pretrained(path()))
    choices = ('{"a": 1}', '{"a": 2}')
    assert encoder.example(Example("test", ("What?",), choices[0], choices)).given == ()


def test_recombined_texts_are_sentences_of_the_rows() -> None:
    good = [
        Row("test", f"It works well, {n} of us. We love number {n}.", "positive") for n in "abc"
    ]
    bad = [
        Row("test", f"It broke at once, number {n}. Never again {n}!!!!", "negative") for n in "xyz"
    ]
    known = {sentence.text for row in [*good, *bad] for sentence in sentences(row)}
    texts = list(recombined([*good, *bad], 200, random.Random(1)))
    assert len(texts) == 200
    assert len({row.text for row in texts}) > 50
    for row in texts:
        assert row.sentiment is None
        parts = re.split(r"(?<=[.!])\s+", row.text)
        assert 1 <= len(parts) <= 3
        assert set(parts) <= known


@given(st.text(), st.sampled_from(["", " ", "\n"]))
def test_copies_of_a_text_fall_on_the_same_side_of_the_split(text: str, space: str) -> None:
    assert is_held_out(text) == is_held_out(space + text + space)
    if text.isascii():
        assert is_held_out(text) == is_held_out(text.upper())


def test_about_a_tenth_of_texts_is_held_out() -> None:
    held_out = sum(is_held_out(f"review number {number}") for number in range(5000))
    assert 0.08 < held_out / 5000 < 0.12


@pytest.mark.parametrize(
    ("stars", "sentiment"),
    [(1, "negative"), (2, "negative"), (3, "neutral"), (4, "positive"), (5, "positive")],
)
def test_stars_mean_a_sentiment(stars: int, sentiment: str) -> None:
    assert sentiment_of_stars(stars) == sentiment


def test_emotions_that_disagree_have_no_sentiment() -> None:
    assert sentiment_of_emotions(["joy", "anger"]) is None
    assert sentiment_of_emotions(["joy", "neutral"]) == "positive"
    assert sentiment_of_emotions(["neutral"]) == "neutral"


@given(st.integers(0, 10_000), st.sampled_from(SENTIMENTS))
def test_the_answer_is_one_of_the_choices(seed: int, sentiment: str) -> None:
    chance = random.Random(seed)
    row = ReviewWriter(chance).write(sentiment)
    example = Asker(chance).about_sentiment(row)
    assert example.answer in example.choices


@given(st.integers(0, 10_000), st.sampled_from(SENTIMENTS))
def test_beliefs_about_a_row_become_beliefs_about_the_choices(seed: int, sentiment: str) -> None:
    beliefs = {"positive": 0.1, "negative": 0.2, "neutral": 0.7}
    row = Row("test", "It works.", sentiment, beliefs=beliefs)  # type: ignore[arg-type]
    example = Asker(random.Random(seed)).about_sentiment(row)
    assert len(example.beliefs) == len(example.choices)
    assert sum(example.beliefs) == pytest.approx(1)
    if set(example.choices) == set(SENTIMENTS):
        assert dict(zip(example.choices, example.beliefs, strict=True)) == pytest.approx(beliefs)


def test_the_first_tokens_of_choices_share_what_is_believed_of_them() -> None:
    encoder = PromptEncoder(AutoTokenizer.from_pretrained(path()))
    unsure = Example("test", ("Q\n",), "yes", ("yes", "no"), (0.75, 0.25))
    yes, no = (encoder.answer(choice)[0] for choice in ("yes", "no"))
    assert encoder.example(unsure).firsts == ((yes, 0.75), (no, 0.25))
    assert encoder.example(replace(unsure, beliefs=())).firsts == ((yes, 1.0), (no, 0.0))
    alike = replace(
        unsure, answer="yes a", choices=("yes a", "no", "yes b"), beliefs=(0.5, 0.3, 0.2)
    )
    assert dict(encoder.example(alike).firsts) == pytest.approx({yes: 0.7, no: 0.3})
    assert encoder.example(replace(unsure, choices=(), beliefs=())).firsts == ()


SLOTS = {"artist": "Ann Lee", "year": "1966"}
NAMES = ("album", "artist", "party_size", "year")


@given(st.integers(0, 10_000))
def test_what_is_extracted_is_asked_for_and_is_in_the_text_or_null(seed: int) -> None:
    row = Row("test", "Play Ann Lee of 1966", slots=SLOTS)
    example = Asker(random.Random(seed)).about_parts(row, NAMES)
    answer = json.loads(example.answer)
    instruction = example.pieces[0]
    assert answer
    assert any(value is not None for value in answer.values())
    for name, value in answer.items():
        assert name in instruction or name in "".join(example.pieces)
        assert value is None or value in row.text
        known = "".join(words(name)).lower()
        assert value == {"".join(words(slot)): text for slot, text in SLOTS.items()}.get(known)


@given(st.integers(0, 10_000))
def test_the_own_label_is_among_the_labels_however_they_are_spelled(seed: int) -> None:
    labels = ["play_music", "BookRestaurant", "exchange rate", "atm_support", "oos"]
    row = Row("test", "a table for two", label="BookRestaurant")
    example = Asker(random.Random(seed)).about_label(row, labels)
    assert example.answer in example.choices
    if example.choices != ("yes", "no"):
        assert words(example.answer)[0].lower() in ("book", "bookrestaurant")
        assert len(set(example.choices)) == len(example.choices)


@pytest.mark.parametrize(
    ("label", "parts"),
    [
        ("card_not_working", ["card", "not", "working"]),
        ("BookRestaurant", ["Book", "Restaurant"]),
        ("TV Shows", ["TV", "Shows"]),
        ("reverted_payment?", ["reverted", "payment", "?"]),
        ("___", ["___"]),
    ],
)
def test_a_label_falls_into_words(label: str, parts: list[str]) -> None:
    assert words(label) == parts


def test_labels_that_one_spelling_makes_equal_stay_as_they_are() -> None:
    labels = ["a_b", "a b", "AB"]
    assert all(
        respelled(labels, random.Random(seed)) == labels
        or len(set(respelled(labels, random.Random(seed)))) == 3
        for seed in range(200)
    )


def test_a_title_asks_without_showing_it() -> None:
    row = Row("test", "Soft and warm.", fields={"title": "Cosy", "category": "coats"})
    for seed in range(50):
        example = Asker(random.Random(seed)).about_title(row, "title")
        assert example.answer == "Cosy"
        assert "Cosy" not in "".join(example.pieces)
        assert not example.choices


def test_the_genre_of_a_film_is_asked_without_showing_it() -> None:
    fields = {"title": "T", "listed_in": "Comedies, Dramas", "duration": "90 min"}
    row = Row("test", "A town.", label="Movie", fields=fields)
    genres = ["Comedies", "Dramas", "Docuseries", "Horror Movies", "Anime Series"]
    for seed in range(80):
        example = Asker(random.Random(seed)).about_film(row, genres)
        assert example.answer in example.choices
        assert ("listed_in" in "".join(example.pieces)) <= (len(example.choices) == 2)


@given(st.integers(0, 10_000), st.sampled_from(SENTIMENTS))
def test_written_reviews_have_no_open_slots(seed: int, sentiment: str) -> None:
    row = ReviewWriter(random.Random(seed)).write(sentiment)
    assert row.text
    assert "{" not in row.text + "".join(row.fields.values())


def test_the_same_seed_writes_the_same_reviews() -> None:
    first, second = (ReviewWriter(random.Random(7)) for _ in range(2))
    assert [first.write("negative") for _ in range(5)] == [
        second.write("negative") for _ in range(5)
    ]


@given(st.text(), st.integers(0, 100))
def test_typing_noise_takes_any_text(text: str, seed: int) -> None:
    assert isinstance(typed(text, random.Random(seed)), str)


def test_reviews_of_the_evaluation_are_not_in_the_phrase_bank() -> None:
    writer = ReviewWriter(random.Random(3))
    written = {writer.write(sentiment).text for sentiment in SENTIMENTS for _ in range(2000)}
    assert not written & {row.text for row in product_reviews()}
