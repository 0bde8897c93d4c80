"""Prompts as token ids: the chat template speaks in special tokens, row text never does."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers, trainers
from transformers import AutoTokenizer

from sparkllm_engine import EngineConfigError
from sparkllm_engine.pieces import Cut, PieceEncoder
from sparkllm_engine.tokenization import PromptTokenizer
from tests.engine.models import tiny_tokenizer

DATA = Path(__file__).parents[3] / "shared" / "data"
SPECIAL = ["<|end|>", "<|start|>", "<|pad|>", "<think>"]


@pytest.fixture(scope="module")
def chat() -> Any:
    tokenizer = tiny_tokenizer(chat=True)
    tokenizer.add_tokens([AddedToken("<think>", special=False)])
    return tokenizer


def whole(tokenizer: Any, message: str) -> list[int]:
    """Return what transformers makes of a user message."""
    ids: list[int] = tokenizer.apply_chat_template(
        [{"role": "user", "content": message}], add_generation_prompt=True, return_dict=False
    )
    return ids


@pytest.mark.parametrize("message", ["Great value!", "it fades,\nit shrank\n", "naïve 🙂 wash"])
def test_a_prompt_is_the_chat_template_around_the_message(chat: Any, message: str) -> None:
    (prompt,) = PromptTokenizer(chat).encode_prompts([(message[:3], message[3:])])
    assert prompt.tolist() == whole(chat, message)


@given(st.lists(st.sampled_from([*SPECIAL, " ", "\n", "dress", '"']), max_size=6).map("".join))
def test_row_text_cannot_speak_in_special_tokens(text: str) -> None:
    tokenizer = tiny_tokenizer(chat=True)
    tokenizer.add_tokens([AddedToken("<think>", special=False)])
    special = set(tokenizer.convert_tokens_to_ids(SPECIAL))
    prompts = PromptTokenizer(tokenizer)
    (empty,) = prompts.encode_prompts([("",)])
    (prompt,) = prompts.encode_prompts([(text,)])
    count = sum(token in special for token in prompt.tolist())
    assert count == sum(token in special for token in empty.tolist())
    assert text in tokenizer.decode(prompt)


def test_pieces_may_cut_a_special_token_in_two_without_waking_it(chat: Any) -> None:
    prompts = PromptTokenizer(chat)
    (cut,) = prompts.encode_prompts([("<|en", "d|>")])
    (joined,) = prompts.encode_prompts([("<|end|>",)])
    assert cut.tolist() == joined.tolist()


def test_without_a_chat_template_a_newline_ends_the_message() -> None:
    tokenizer = tiny_tokenizer()
    (prompt,) = PromptTokenizer(tokenizer).encode_prompts([("Great", " value")])
    assert prompt.tolist() == tokenizer("Great value")["input_ids"] + tokenizer("\n")["input_ids"]


pieces = st.lists(
    st.one_of(
        st.sampled_from(
            ["Classify the input.\n\n", "review: ", '"It fits."\n', "\n", " ", "", "é\n"]
        ),
        st.text(max_size=12).map(lambda text: json.dumps(text, ensure_ascii=False) + "\n"),
        st.text(max_size=12),
    ),
    max_size=8,
)


@given(st.lists(pieces, max_size=4))
def test_pieces_are_read_as_the_whole_text_is(prompts: list[list[str]]) -> None:
    tokenizer = tiny_tokenizer()
    encoder = PieceEncoder(tokenizer.backend_tokenizer)
    assert encoder.cut is not Cut.NOWHERE
    for prompt, found in zip(prompts, encoder.encode(prompts), strict=True):
        assert found.tolist() == tokenizer("".join(prompt))["input_ids"]  # type: ignore[union-attr]


@pytest.mark.skipif(not DATA.exists(), reason="the public tokenizers are not at hand")
@pytest.mark.parametrize("name", ["gpt2", "gpt_neox_20b"])
@given(prompt=pieces)
@example(prompt=["It fits.\n\n", "\n", "It fits.\n"])
@example(prompt=["review: ", "\n", "It fits.\n"])
@settings(max_examples=60, deadline=None)
def test_public_tokenizers_read_pieces_as_the_whole_text(name: str, prompt: list[str]) -> None:
    encoder, backend = public_encoder(name)
    assert encoder.cut is Cut.BEFORE_LAST
    (found,) = encoder.encode([prompt])
    assert found.tolist() == backend.encode("".join(prompt)).ids  # type: ignore[union-attr]


@cache
def public_encoder(name: str) -> tuple[PieceEncoder, Tokenizer]:
    backend = AutoTokenizer.from_pretrained(DATA / "tokenizers" / name).backend_tokenizer
    return PieceEncoder(backend), backend


def test_newlines_that_are_one_token_stay_together() -> None:
    """As the tokenizers of Llama 3 and Qwen cut text into words."""
    tokenizer = tiny_tokenizer().backend_tokenizer
    words = r"\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(words), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=300, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(["it fits.\n\nsize: 1\n\ncolor: it\n\n"] * 9, trainer)
    encoder = PieceEncoder(tokenizer)
    assert encoder.cut is Cut.AFTER
    prompt = ("it fits.\n\n", "size: 1\n", "\n", "\n\ncolor: it\n\n", "size: 1\n")
    (found,) = encoder.encode([prompt])
    assert found.tolist() == tokenizer.encode("".join(prompt)).ids  # type: ignore[union-attr]


def test_a_tokenizer_whose_tokens_reach_over_lines_is_given_whole_prompts() -> None:
    vocabulary = {"a": 0, "\n": 1, "\na": 2, "[x]": 3}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[("\n", "a")], unk_token="[x]"))
    encoder = PieceEncoder(tokenizer)
    (found,) = encoder.encode([("a\n", "a")])
    assert found.tolist() == [0, 2]  # type: ignore[union-attr]
    assert encoder.cut is Cut.NOWHERE


def test_a_line_that_many_prompts_share_is_tokenized_once(monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = PieceEncoder(tiny_tokenizer().backend_tokenizer)
    seen: list[str] = []
    encode = encoder._encode_all
    monkeypatch.setattr(encoder, "_encode_all", lambda texts: seen.extend(texts) or encode(texts))
    shared = "Classify the input.\n\n"
    encoder.encode([(shared, f"size: {index}\n") for index in range(5)])
    encoder.encode([(shared, "size: 3\n"), (shared, "size: 9\n")])
    assert sorted(seen) == [shared, *(f"size: {index}\n" for index in (0, 1, 2, 3, 4, 9))]


def test_lines_are_forgotten_when_they_become_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sparkllm_engine.pieces._REMEMBERED", 100)
    encoder = PieceEncoder(tiny_tokenizer().backend_tokenizer)
    for index in range(50):
        encoder.encode([(f"size: {index}\n", "fits: true\n")])
        assert len(encoder._known) < 20


def test_a_prompt_that_cannot_be_encoded_leaves_the_others_alone(chat: Any) -> None:
    prompts = PromptTokenizer(chat).encode_prompts([("Great",), ("\ud800",), ("it fades",)])
    assert isinstance(prompts[1], UnicodeEncodeError)
    assert [p.tolist() for p in (prompts[0], prompts[2])] == [  # type: ignore[union-attr]
        whole(chat, "Great"),
        whole(chat, "it fades"),
    ]


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ raise_exception('no') }}", "chat template fails"),
        ("hello", "leaves out the user message"),
    ],
)
def test_a_chat_template_that_cannot_be_used_is_named(template: str, message: str) -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = template
    with pytest.raises(EngineConfigError, match=message):
        PromptTokenizer(tokenizer)


def test_a_model_that_can_think_is_asked_not_to() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = (
        "{{ messages[0]['content'] }}:{% if enable_thinking is false %}no thoughts{% endif %}"
    )
    (prompt,) = PromptTokenizer(tokenizer).encode_prompts([("Great",)])
    assert tokenizer.decode(prompt) == "Great:no thoughts"


def test_answers_lose_their_special_tokens(chat: Any) -> None:
    prompts = PromptTokenizer(chat)
    assert prompts.decode([*prompts.encode_text("it fades"), chat.eos_token_id]) == "it fades"


@pytest.mark.skipif(not DATA.exists(), reason="the public tokenizers are not at hand")
@pytest.mark.parametrize("name", ["gpt2", "gpt_neox_20b"])
def test_public_tokenizers_read_plain_text_as_they_always_do(name: str) -> None:
    tokenizer = AutoTokenizer.from_pretrained(DATA / "tokenizers" / name)
    text = 'text: "Great    dress,\\n  but      wide"\n\n\t  x'
    assert PromptTokenizer(tokenizer).encode_text(text) == tokenizer(text)["input_ids"]


@pytest.mark.skipif(not DATA.exists(), reason="the public chat templates are not at hand")
@pytest.mark.parametrize(
    "template", ["chatml", "gemma-it", "llama-3-instruct", "phi-3", "qwen2.5-instruct", "zephyr"]
)
def test_public_chat_templates_render_as_in_transformers(template: str) -> None:
    text = (DATA / "chat_templates" / f"{template}.jinja").read_text()
    if template != "qwen2.5-instruct":
        text = text.replace("    ", "").replace("\n", "")
    tokenizer = tiny_tokenizer()
    tokenizer.bos_token = "<|start|>"
    tokenizer.chat_template = text
    message = json.dumps("Great dress, but tiny")
    (prompt,) = PromptTokenizer(tokenizer).encode_prompts([(message,)])
    assert tokenizer.decode(prompt) == tokenizer.apply_chat_template(
        [{"role": "user", "content": message}], add_generation_prompt=True, tokenize=False
    )
