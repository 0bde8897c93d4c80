"""The training examples are the product's own prompts, on the right side of the split."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer

from sparkllm.demo_model import path
from sparkllm.demo_model.corpus.asking import Asker
from sparkllm.demo_model.corpus.noise import typed
from sparkllm.demo_model.corpus.rendering import user_message
from sparkllm.demo_model.corpus.row import Row, sentiment_of_stars
from sparkllm.demo_model.corpus.sources import sentiment_of_emotions
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
