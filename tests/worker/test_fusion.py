"""Calls on the same columns that share one pass over a row's text."""

import json
from collections.abc import Iterator

import pyarrow as pa
import pytest

from sparkllm import demo_model
from sparkllm.worker.question import Question, questions
from sparkllm_engine import EngineConfig, LLMEngine, Request, SamplingParameters
from sparkllm_optimizer import Group, plan

LABELS = {"labels": ["yes", "no"]}
TASKS = ("Is it a question?", "Is it polite?", "Is it about food?")
LONG = "We waited an hour, and then the soup was cold and the bread was hard. " * 20


def _questions(*tasks: str, columns: tuple[str, ...] = ("text",), fused: bool) -> list[Question]:
    calls = [
        {"task": task, "columns": columns, "options": LABELS, "arguments": range(len(columns))}
        for task in tasks
    ]
    groups = {"fused": [list(range(len(tasks)))]} if fused else {}
    body = {"calls": [{**call, "arguments": list(call["arguments"])} for call in calls], **groups}
    return questions(json.dumps(body))


def _prompts(question: Question, rows: pa.Table) -> list[str]:
    group = Group(pa.array(range(rows.num_rows)).to_numpy(), question.call.columns)
    return ["".join(pieces) for pieces in question.prompts(rows, [group]).to_pylist()]


def test_a_long_row_stands_first_and_a_short_one_behind_the_instruction() -> None:
    rows = pa.table({"text": ["short", LONG]})
    first, second, _ = _questions(*TASKS, fused=True)
    assert _prompts(first, rows) == [
        'Is it a question?\n\ntext: "short"\n',
        f'text: "{LONG}"\n\nIs it a question?\n',
    ]
    assert _prompts(second, rows)[1] == f'text: "{LONG}"\n\nIs it polite?\n'


def test_all_columns_of_a_long_row_stand_first() -> None:
    rows = pa.table({"text": [LONG], "stars": [5]})
    question, _ = _questions(*TASKS[:2], columns=("text", "stars"), fused=True)
    assert _prompts(question, rows) == [f'text: "{LONG}"\nstars: 5\n\nIs it a question?\n']


def test_calls_that_are_not_fused_have_the_instruction_first() -> None:
    rows = pa.table({"text": [LONG]})
    for question in _questions(*TASKS, fused=False):
        assert _prompts(question, rows) == [f'{question.call.task}\n\ntext: "{LONG}"\n']


@pytest.fixture(scope="module")
def engine() -> Iterator[LLMEngine]:
    yield LLMEngine(EngineConfig(str(demo_model.path())))


def _computed(engine: LLMEngine, asked: list[Question], rows: pa.Table) -> int:
    engine.reset_prefix_cache()
    parameters = SamplingParameters(choices=("yes", "no"))
    prompts = [
        tuple(pieces)
        for question in asked
        for pieces in question.prompts(rows, plan(rows).groups).to_pylist()
    ]
    requests = (Request(number, prompt, parameters) for number, prompt in enumerate(prompts))
    results = list(engine.run(requests))
    return sum(result.prompt_tokens - result.cached_tokens for result in results)


def test_three_calls_over_texts_of_400_tokens_compute_at_most_1_3_times_the_tokens_of_one(
    engine: LLMEngine,
) -> None:
    rows = pa.table({"text": [f"{number}: {LONG}" for number in range(8)]})
    one = _computed(engine, _questions(TASKS[0], fused=False), rows)
    three = _computed(engine, _questions(*TASKS, fused=True), rows)
    apart = _computed(engine, _questions(*TASKS, fused=False), rows)
    assert 8 * 300 < one < 8 * 500
    assert three <= 1.3 * one
    assert apart > 2.8 * one
