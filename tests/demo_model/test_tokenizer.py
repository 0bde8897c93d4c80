"""The tokenizer: any text comes back, and row text can't forge a special token."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from sparkllm.demo_model import path
from sparkllm.demo_model.prompting import PromptEncoder
from sparkllm.demo_model.tokenizer import SPECIAL_TOKENS, train_tokenizer

TOKENIZER: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(path())
SPECIAL_IDS = set(TOKENIZER.convert_tokens_to_ids(list(SPECIAL_TOKENS)))

any_text = st.text(st.characters(exclude_categories=("Cs",)))


@given(any_text)
def test_any_text_comes_back_from_its_tokens(text: str) -> None:
    ids = TOKENIZER(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
    assert TOKENIZER.decode(ids) == text


@given(any_text, st.sampled_from(SPECIAL_TOKENS), any_text)
def test_row_text_never_becomes_a_special_token(before: str, token: str, after: str) -> None:
    ids = PromptEncoder(TOKENIZER).text(before + token + after)
    assert not SPECIAL_IDS & set(ids)


def test_the_chat_template_wraps_the_user_message_and_opens_the_answer() -> None:
    messages = [{"role": "user", "content": "Hello\n"}]
    text = TOKENIZER.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    assert text == "<|user|>Hello\n<|end|><|assistant|>"


def test_special_tokens_of_the_template_are_single_tokens() -> None:
    assert len(SPECIAL_IDS) == len(SPECIAL_TOKENS)
    assert len(TOKENIZER("<|user|><|end|><|assistant|>")["input_ids"]) == 3


@pytest.mark.parametrize("label", ["positive", "negative", "neutral"])
def test_a_label_is_the_same_token_in_the_list_as_in_the_answer(label: str) -> None:
    answer = TOKENIZER(label, add_special_tokens=False)["input_ids"]
    listed = TOKENIZER(f"labels:\n- {label}\n", add_special_tokens=False)["input_ids"]
    assert len(answer) == 1
    assert answer[0] in listed


def test_the_same_texts_give_the_same_tokenizer() -> None:
    texts = ["a good kettle", "a bad kettle", "the kettle leaks"] * 5
    first, second = (train_tokenizer(texts, 300).get_vocab() for _ in range(2))
    assert first == second
