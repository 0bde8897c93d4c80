"""What the calls about a sample of inputs would take: their tokens, and those that repeat."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from sparkllm.worker.batches import Arguments, answer_batches
from sparkllm.worker.invalid_text import invalid_rows
from sparkllm.worker.prompt_tokens import PromptTokens, Tokens
from sparkllm.worker.question import Question, questions
from sparkllm.worker.rendering import render
from sparkllm.worker.settings import WorkerSettings, task_settings
from sparkllm.worker.window_plan import WindowPlanner
from sparkllm_optimizer import distinct_rows


@dataclass(frozen=True, slots=True)
class SampledCall:
    """A call about `sampled` rows, of which `inputs` different ones ask, and about half of them.

    `computed_tokens` are those of the prompts that a prefix cache without bound leaves to compute;
    `answer_tokens` what one answer takes, at most where `is_most`.
    """

    call: str
    sampled: int
    inputs: int
    prompt_tokens: int
    computed_tokens: int
    half_inputs: int
    half_computed_tokens: int
    answer_tokens: float
    is_most: bool


class EstimateFunction:
    """Counts the tokens of calls about a sample, as the callable of an iterator UDF.

    Its argument is the struct of the calls' arguments, its result a struct with the calls as JSON
    beside the first input.
    """

    def __init__(self, calls_json: str) -> None:
        self.calls_json = calls_json

    def __reduce__(self) -> tuple[type["EstimateFunction"], tuple[str]]:
        return EstimateFunction, (self.calls_json,)

    def __call__(self, batches: Iterable[Any]) -> Iterator[Any]:
        return answer_batches(batches, self._answer)

    def _answer(self, batches: Iterator[Arguments]) -> Iterator[pa.Array]:
        structs = [struct for (struct,) in batches]
        columns = list(zip(*(struct.flatten() for struct in structs), strict=True))
        names = [str(place) for place in range(len(columns))]
        rows = pa.Table.from_arrays([pa.chunked_array(chunks) for chunks in columns], names)
        settings = task_settings()
        calls = [sampled_call(question, rows, settings) for question in questions(self.calls_json)]
        told = json.dumps([asdict(call) for call in calls])
        for place, struct in enumerate(structs):
            texts = pa.array([None if place or row else told for row in range(len(struct))])
            yield pa.StructArray.from_arrays([texts.cast(pa.utf8())], ["told"])


def sampled_call(question: Question, rows: pa.Table, settings: WorkerSettings) -> SampledCall:
    """Count what a question about these rows would take."""
    tokens = PromptTokens(settings.engine)
    inputs = _asked(question, rows)
    half = _asked(question, rows.take(pa.array(np.arange(0, rows.num_rows, 2))))
    prompts = _prompts(question, inputs, settings, tokens)
    half_prompts = _prompts(question, half, settings, tokens)
    answer, is_most = answer_tokens(question, tokens)
    return SampledCall(
        question.call.title,
        rows.num_rows,
        inputs.num_rows,
        sum(map(len, prompts)),
        computed(prompts),
        half.num_rows,
        computed(half_prompts),
        answer,
        is_most,
    )


def answer_tokens(question: Question, tokens: PromptTokens) -> tuple[float, bool]:
    """Return the tokens of an answer, and whether it is only known that there aren't more.

    An engine of ours chooses from a closed set without writing anything.
    """
    if question.prompt.answer == "tokens":
        return 0.0, False
    if question.prompt.choices:
        written = [tokens.count(choice) for choice in question.prompt.choices]
        return float(np.mean(written)) if tokens.of_service else 0.0, False
    return float(question.max_tokens), True


def computed(prompts: Sequence[Tokens]) -> int:
    """Return the nodes of the tree of all prefixes: what a cache without bound computes."""
    ordered = sorted(prompts, key=lambda ids: ids.astype(">u4").tobytes())
    total = sum(map(len, ordered))
    for before, ids in pairwise(ordered):
        length = min(len(before), len(ids))
        differs = np.flatnonzero(before[:length] != ids[:length])
        total -= int(differs[0]) if len(differs) else length
    return total


def _asked(question: Question, rows: pa.Table) -> pa.Table:
    """The distinct inputs that make a call."""
    inputs = question.inputs(rows)
    inputs = inputs.take(distinct_rows(inputs).first)
    something = np.zeros(inputs.num_rows, bool)
    for column in inputs.columns:
        something |= column.is_valid().to_numpy()
    something[list(invalid_rows(inputs))] = False
    return inputs.take(np.flatnonzero(something))


def _prompts(
    question: Question, inputs: pa.Table, settings: WorkerSettings, tokens: PromptTokens
) -> list[Tokens]:
    """The prompts of inputs, planned window by window."""
    if question.prompt.answer == "tokens":
        return []
    planner = WindowPlanner(settings.plan, question.order, question.slots)
    found: list[Tokens] = []
    for start in range(0, inputs.num_rows, settings.window_rows):
        window = inputs.slice(start, settings.window_rows).combine_chunks()
        groups = planner.groups(window)
        rendered = render(question.prompt, window, groups, question.call.json_columns)
        found += tokens.encode(rendered.to_pylist())
    return found
