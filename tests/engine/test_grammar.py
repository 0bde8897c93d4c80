"""Answers that follow a regular expression or a JSON schema, checked by `re` and `jsonschema`."""

import json
import re
from collections.abc import Callable
from dataclasses import replace

import jsonschema
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sparkllm_engine import LLMEngine, Request, Result, SamplingParameters
from sparkllm_engine.decoding import GrammarCompiler, GrammarError
from tests.engine.models import VOCABULARY, tiny_tokenizer

EngineMaker = Callable[..., LLMEngine]
ROWS = [f"{index} it fades, and it shrank" for index in range(64)]

ORDER = {
    "type": "object",
    "properties": {
        "order_id": {"type": "integer", "minimum": 0, "maximum": 99999},
        "rating": {"type": "number", "minimum": 0, "maximum": 5},
        "sentiment": {"enum": ["good", "bad", "good and bad"]},
        "gift": {"type": "boolean"},
        "note": {"type": ["string", "null"], "maxLength": 12},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 4}, "maxItems": 3},
        "size": {
            "type": "object",
            "properties": {"waist": {"type": "integer", "minimum": 1, "maximum": 200}},
            "required": ["waist"],
            "additionalProperties": False,
        },
    },
    "required": ["order_id", "rating", "sentiment", "gift", "note", "tags", "size"],
    "additionalProperties": False,
}
REGEXES = [
    r"-?(0|[1-9][0-9]{0,8})",
    r"(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
    r"[A-ZÄÖÜ][a-zäöüß]{3,9}( [A-Z]\.)?",
    r"(yes|no|perhaps), because (it itches|it fades)",
    r"[一-鿿]{2,5}",
]


def drawn(engine: LLMEngine, rows: int = 64, **parameters: object) -> list[Result]:
    """Return answers drawn wildly, each row with a seed of its own."""
    wild = SamplingParameters(temperature=2.0, max_tokens=250, **parameters)  # type: ignore[arg-type]
    requests = [Request(i, (ROWS[i],), replace(wild, seed=i)) for i in range(rows)]
    return sorted(engine.run(requests), key=lambda result: result.id)


def test_every_answer_is_valid_for_its_schema(make_engine: EngineMaker) -> None:
    engine = make_engine(token_budget=256)
    results = drawn(engine, json_schema=json.dumps(ORDER))
    results += engine.generate(ROWS, SamplingParameters(250, json_schema=json.dumps(ORDER)))
    for result in results:
        assert result.finish_reason == "stop"
        jsonschema.validate(json.loads(result.text or ""), ORDER)
    assert len({result.text for result in results[:64]}) == 64


@pytest.mark.parametrize("regex", REGEXES)
def test_every_answer_matches_its_expression(make_engine: EngineMaker, regex: str) -> None:
    for result in drawn(make_engine(token_budget=256), regex=regex):
        assert result.finish_reason == "stop"
        assert re.fullmatch(regex, result.text or ""), result.text


def test_rows_with_and_without_grammars_share_steps(make_engine: EngineMaker) -> None:
    each = [
        SamplingParameters(regex="[0-9]{4}"),
        SamplingParameters(max_tokens=9),
        SamplingParameters(json_schema='{"enum": ["it itches", "it fades"]}'),
        SamplingParameters(choices=("good", "bad")),
    ]
    alone = [make_engine().generate([ROWS[0]], parameters)[0] for parameters in each]
    requests = [Request(index, (ROWS[0],), each[index % 4]) for index in range(32)]
    for result in make_engine(token_budget=300).run(requests):
        assert result.text == alone[result.id % 4].text


def test_a_json_answer_that_is_cut_says_so(make_engine: EngineMaker) -> None:
    parameters = SamplingParameters(json_schema=json.dumps(ORDER), max_tokens=12)
    (result,) = make_engine().generate(ROWS[:1], parameters)
    assert (result.finish_reason, result.output_tokens) == ("length", 12)
    assert (result.text or "").startswith('{"order_id": ')


@pytest.mark.parametrize("length", range(1, 9))
def test_text_that_must_follow_may_be_cut_too(make_engine: EngineMaker, length: int) -> None:
    (whole,) = make_engine().generate(ROWS[:1], SamplingParameters(regex="it itches, it fades"))
    parameters = SamplingParameters(regex="it itches, it fades", max_tokens=length)
    (result,) = make_engine().generate(ROWS[:1], parameters)
    assert whole.finish_reason == "stop"
    assert result.finish_reason == ("stop" if length >= whole.output_tokens else "length")
    assert "it itches, it fades".startswith(result.text or "")


def test_text_that_must_follow_costs_no_step(make_engine: EngineMaker) -> None:
    engine = make_engine()
    (result,) = engine.generate(ROWS[:1], SamplingParameters(regex="it itches, it fades"))
    assert (result.text, result.finish_reason) == ("it itches, it fades", "stop")
    assert engine.statistics()["steps"] == 0
    parameters = SamplingParameters(json_schema=json.dumps(ORDER), max_tokens=250)
    results = make_engine().generate(ROWS[:4], parameters)
    engine = make_engine(token_budget=512)
    engine.generate(ROWS[:4], parameters)
    assert engine.statistics()["steps"] < max(result.output_tokens for result in results)


@given(
    words=st.lists(st.sampled_from(["it itches", ", but", " lovely", "!", "é", "ß9"]), max_size=5)
)
@settings(max_examples=40, deadline=None)
def test_text_that_must_follow_is_cut_as_the_tokenizer_cuts_it(words: list[str]) -> None:
    text = "start" + "".join(words)
    tokenizer = tiny_tokenizer()
    grammar = GrammarCompiler(tokenizer, VOCABULARY, frozenset({1}), 1).start(
        SamplingParameters(regex=re.escape(text))
    )
    assert grammar.take_forced() == tokenizer(text)["input_ids"]


def test_forced_text_stops_where_a_longer_token_could_begin() -> None:
    tokenizer = tiny_tokenizer()
    compiler = GrammarCompiler(tokenizer, VOCABULARY, frozenset({1}), 1)
    grammar = compiler.start(SamplingParameters(regex="one la(bels|tte)"))
    forced = tokenizer.decode(grammar.take_forced())
    assert "one la".startswith(forced)
    assert not forced.endswith("la")
    logits = torch.zeros(1, VOCABULARY)
    compiler.restrict(logits, {0: grammar})
    allowed = torch.isfinite(logits[0]).nonzero()[:, 0].tolist()
    assert tokenizer(" labels")["input_ids"][0] in allowed


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"regex": "(a"}, ["regex '(a'", "unclosed"]),
        ({"regex": "a(?=b)"}, ["regex", "look-around"]),
        ({"json_schema": "{nonsense"}, ["json_schema is no JSON"]),
        ({"json_schema": '{"type": "frob"}'}, ["json_schema", "frob"]),
        ({"json_schema": '{"minContains": 2}'}, ["json_schema", "minContains"]),
        ({"regex": "a", "json_schema": "{}"}, ["regex and json_schema are both given"]),
        ({"regex": "a", "choices": ("a", "b")}, ["choices and regex are both given"]),
    ],
)
def test_a_grammar_that_makes_no_sense_is_an_error_of_its_row(
    make_engine: EngineMaker, parameters: dict[str, object], words: list[str]
) -> None:
    bad = Request(0, ("Great",), SamplingParameters(**parameters))  # type: ignore[arg-type]
    good = Request(1, ("Great",), SamplingParameters(regex="yes|no"))
    results = {result.id: result for result in make_engine().run([bad, good])}
    assert results[0].error_code == "INVALID_CALL"
    for word in words:
        assert word in (results[0].error_message or "")
    assert results[1].text in ("yes", "no")


def test_a_grammar_that_grows_too_large_is_an_error_of_its_row(make_engine: EngineMaker) -> None:
    large = SamplingParameters(regex="((a{1,1000}){1,1000}){1,1000}")
    requests = [Request(0, ("Great",), large), Request(1, ("Great",), SamplingParameters(9))]
    results = {result.id: result for result in make_engine().run(requests)}
    assert results[0].error_code == "INVALID_CALL"
    assert "the grammar can't be followed: lexer error" in (results[0].error_message or "")
    assert results[1].error_code is None


def test_answers_are_the_same_from_a_pool_that_must_evict(make_engine: EngineMaker) -> None:
    schema = json.dumps(ORDER)
    plenty = drawn(make_engine(token_budget=512, cache_bytes=8 << 20), 12, json_schema=schema)
    engine = make_engine(cache_bytes=260 * 256)
    scarce = drawn(engine, 12, json_schema=schema)
    assert [result.text for result in scarce] == [result.text for result in plenty]
    computed = engine.statistics()["computed_tokens"]
    assert computed > sum(result.prompt_tokens + result.output_tokens for result in plenty)


def test_a_tokenizer_that_cannot_be_constrained_says_so() -> None:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel({"a": 0, "b": 1}, unk_token="a"))
    )
    with pytest.raises(GrammarError, match="can't be made to follow a grammar"):
        GrammarCompiler(words, 2, frozenset({1}), 1).start(SamplingParameters(regex="a"))
