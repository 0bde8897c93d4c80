"""One answer for a group of values, whatever their number, order and length.

The scripted engine counts what it reads, so that a value which is lost or read twice shows in its
answer: the mean of a group's numbers is the weighted mean of the means of its parts, and the
letters of a group are those of its parts together.
"""

import random
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparkllm import demo_model
from sparkllm.client import EngineSettings
from sparkllm.tasks import Call
from sparkllm.worker.groups import GroupAsker
from sparkllm.worker.groups.lines import Line, lines_of, packed
from sparkllm.worker.question import Question
from sparkllm.worker.ready import ReadyAnswers, ReadyExchange
from sparkllm.worker.reporting import Reporter
from sparkllm.worker.settings import engine_settings, task_settings
from sparkllm_engine.server.budget import Prices

_LINE = re.compile(r'^\w+(?: \((\d+) \w+\))?: "(.*)"$', re.MULTILINE)


class _Exchange(ReadyExchange):
    """Answers with what `read` makes of the lines of a prompt, and keeps the prompts."""

    def __init__(self, read: Callable[[list[tuple[int, str]]], Mapping[str, Any]]) -> None:
        self.prompts: list[str] = []
        self._read = read

    def submit(self, prompts: pa.Array) -> ReadyAnswers:
        texts = ["".join(pieces) for pieces in prompts.to_pylist()]
        self.prompts += texts
        answers = [self._read(_lines(text)) for text in texts]
        names = {name for answer in answers for name in answer}
        columns = {name: pa.array([answer.get(name) for answer in answers]) for name in names}
        columns = {name: _cast(name, column) for name, column in columns.items()}
        called = pa.array([False] * len(texts))
        return ReadyAnswers(len(texts), {"reused": called, "stored": called, **columns})


def _cast(name: str, column: pa.Array) -> pa.Array:
    return column.cast(pa.int32()) if name.endswith("tokens") else column.cast(pa.utf8())


def _lines(prompt: str) -> list[tuple[int, str]]:
    return [(int(count or 1), value) for count, value in _LINE.findall(prompt)]


def _mean(lines: list[tuple[int, str]]) -> Mapping[str, Any]:
    total = sum(count * Fraction(value) for count, value in lines)
    mean = total / sum(count for count, _ in lines)
    return {"text": str(mean), "finish_reason": "stop", "prompt_tokens": 1}


def _letters(lines: list[tuple[int, str]]) -> Mapping[str, Any]:
    found = "".join(sorted({letter for _, value in lines for letter in value}))
    return {"text": found, "finish_reason": "stop"}


def _settings() -> EngineSettings:
    return engine_settings({"spark.sparkllm.model": str(demo_model.path())}.get)


def _answers(
    groups: list[list[Any] | None],
    read: Callable[[list[tuple[int, str]]], Mapping[str, Any]],
    **call: Any,
) -> tuple[list[Any], list[str], Any]:
    options = {"instruction": "What is the mean?", "chunk_tokens": 40, **call.pop("options", {})}
    question = Question.of(Call("agg", ("x",), options, **call))
    exchange = _Exchange(read)
    request = GroupAsker(question, _settings(), lambda _: exchange).send(
        pa.table({"x": pa.array(groups, pa.list_(pa.utf8()))})
    )
    answers, usage = request.answers(Reporter(task_settings()), Prices())
    return answers.to_pylist(), exchange.prompts, usage


numbers = st.lists(st.integers(0, 99).map(str), max_size=60)


@settings(deadline=None, max_examples=50)
@given(st.lists(numbers, max_size=4), st.randoms(use_true_random=False))
def test_every_value_is_in_the_answer_once_and_their_order_changes_no_prompt(
    groups: list[list[str]], chance: random.Random
) -> None:
    answers, prompts, _ = _answers(groups, _mean)
    means = [str(sum(map(Fraction, group)) / len(group)) if group else None for group in groups]
    assert answers == means
    shuffled = [chance.sample(group, len(group)) for group in groups]
    assert _answers(shuffled, _mean)[:2] == (answers, prompts)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.text("abcdefghij", max_size=400), min_size=1, max_size=8))
def test_a_text_that_is_too_long_is_read_in_parts(texts: list[str]) -> None:
    answers, prompts, _ = _answers([texts], _letters)
    assert answers == ["".join(sorted(set("".join(texts))))]
    assert all(len(prompt) < 600 for prompt in prompts)


def test_one_prompt_is_enough_for_a_small_group_and_has_equal_values_once() -> None:
    _, prompts, _ = _answers([["7", "3", "7", None]], _mean)
    assert prompts == [
        'What is the mean?\nGive one answer for all of the input.\n\nx: "3"\nx (2 times): "7"\n'
    ]


def test_answers_for_parts_are_put_together_in_further_prompts() -> None:
    _, prompts, _ = _answers([[str(n) for n in range(100, 130)]], _mean)
    combining = [prompt for prompt in prompts if "Put them together into one answer." in prompt]
    parts = [prompt for prompt in prompts if prompt not in combining]
    assert len(parts) > 2
    assert sum(len(_lines(part)) for part in parts) == 30
    assert all(re.search(r'^answer \(\d+ texts\): "', prompt, re.MULTILINE) for prompt in combining)


def test_equal_prompts_of_groups_are_asked_once() -> None:
    group = [str(n) for n in range(100, 130)]
    answers, prompts, usage = _answers([group, group[::-1], group], _mean)
    assert len(set(answers)) == 1
    assert len(prompts) == len(set(prompts)) == usage.calls == usage.prompt_tokens
    assert (usage.rows, usage.reused) == (3, 2 * usage.calls)


def test_groups_without_a_value_ask_nothing() -> None:
    answers, prompts, usage = _answers([[], None, [None, None]], _mean)
    assert (answers, prompts) == ([None] * 3, [])
    assert (usage.rows, usage.nulls, usage.calls) == (3, 3, 0)


def test_a_prompt_that_the_engine_finds_too_long_is_parted() -> None:
    def narrow(lines: list[tuple[int, str]]) -> Mapping[str, Any]:
        if len(lines) > 3:
            long = {"error_code": "OVERFLOW", "error_message": "too long"}
            return {"finish_reason": "error", **long}
        return _mean(lines)

    group = [str(n) for n in range(10, 40)]
    answers, _, usage = _answers([group], narrow)
    assert answers == ["49/2"]
    assert usage.errors == {}


@pytest.mark.parametrize("lines", [1, 2])
def test_what_the_engine_finds_too_long_and_can_not_be_parted_is_an_error(lines: int) -> None:
    def never(read: list[tuple[int, str]]) -> Mapping[str, Any]:
        if len(read) >= lines:
            return {"finish_reason": "error", "error_code": "OVERFLOW", "error_message": "long"}
        return _mean(read)

    answers, _, usage = _answers([["1", "2", "3", "4"], ["1"] * 4], never, detail=True)
    assert answers[0]["error"]["code"] == "OVERFLOW"
    assert usage.errors == {"OVERFLOW": 2 if lines == 1 else 1}


@pytest.mark.parametrize(
    ("wrong", "code", "says"),
    [
        ({"text": "1", "finish_reason": "length"}, "TRUNCATED", "raise max_tokens"),
        (
            {"finish_reason": "error", "error_code": "ENGINE", "error_message": "it failed"},
            "ENGINE",
            "it failed",
        ),
    ],
)
def test_an_error_of_a_part_is_that_of_its_group_and_says_of_which(
    wrong: Mapping[str, Any], code: str, says: str
) -> None:
    def failing(lines: list[tuple[int, str]]) -> Mapping[str, Any]:
        return wrong if any(value == "115" for _, value in lines) else _mean(lines)

    groups = [[str(n) for n in range(100, 130)], [str(n) for n in range(200, 230)]]
    (first, second), _, usage = _answers(groups, failing, detail=True)
    assert first["value"] is None
    assert first["error"]["code"] == code
    assert re.match(r"part \d of \d, \d+ values of the group: ", first["error"]["message"])
    assert says in first["error"]["message"]
    assert (second["value"], second["error"]) == ("429/2", None)
    assert usage.errors == {code: 1}


def test_a_value_that_is_no_text_is_an_error_of_its_group() -> None:
    broken = pa.array([["1", "x"], ["2"]], pa.list_(pa.binary())).cast(pa.list_(pa.utf8()))
    buffer = bytearray(broken.values.buffers()[2].to_pybytes())
    buffer[1] = 0xFF
    values = pa.StringArray.from_buffers(3, broken.values.buffers()[1], pa.py_buffer(buffer))
    rows = pa.table({"x": pa.ListArray.from_arrays(broken.offsets, values)})
    question = Question.of(Call("agg", ("x",), {"instruction": "What is it?"}, detail=True))
    exchange = _Exchange(_mean)
    request = GroupAsker(question, _settings(), lambda _: exchange).send(rows)
    first, second = request.answers(Reporter(task_settings()), Prices())[0].to_pylist()
    assert first["error"]["code"] == "INVALID_INPUT"
    assert "make_valid_utf8(x)" in first["error"]["message"]
    assert second["value"] == "2"


def test_only_the_last_answer_has_the_type() -> None:
    def sampled(question: Question) -> _Exchange:
        exchanges["typed" if question.answer_type else "text"] = _Exchange(_mean)
        return exchanges["typed" if question.answer_type else "text"]

    exchanges: dict[str, _Exchange] = {}
    call = Call("agg", ("x",), {"instruction": "How many?", "chunk_tokens": 40}, '"integer"')
    group = [str(n) for n in range(100, 131)]
    rows = pa.table({"x": pa.array([group, ["5"]], pa.list_(pa.utf8()))})
    request = GroupAsker(Question.of(call), _settings(), sampled).send(rows)
    answers, _ = request.answers(Reporter(task_settings()), Prices())
    assert answers.to_pylist() == [115, 5]
    assert len(exchanges["typed"].prompts) == 2
    assert len(exchanges["text"].prompts) > 2


@given(st.lists(st.integers(1, 50)), st.integers(1, 60), st.integers(1, 3))
def test_chunks_are_as_full_as_can_be(tokens: list[int], most: int, least: int) -> None:
    lines = [Line("x", str(place)) for place in range(len(tokens))]
    cost = dict(zip(lines, tokens, strict=True))
    chunks = packed(lines, tokens, most, least)
    assert [line for chunk in chunks for line in chunk] == lines
    totals = [sum(cost[line] for line in chunk) for chunk in chunks]
    for chunk, total in zip(chunks, totals, strict=True):
        assert total <= most or len(chunk) <= least
    for chunk, total, following in zip(chunks, totals, chunks[1:], strict=False):
        assert total + cost[following[0]] > most
        assert len(chunk) >= least


def test_structs_are_values_and_those_of_nulls_are_none() -> None:
    rows = [{"a": "x", "n": 2}, {"a": None, "n": None}, {"a": "x", "n": 2}, {"a": None, "n": 1}]
    lines = [line.text for line in lines_of("row", rows)]
    assert lines == ['row (2 times): {"a": "x", "n": 2}\n', 'row: {"a": null, "n": 1}\n']
