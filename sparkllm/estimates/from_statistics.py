"""What calls would take by the statistics of a table alone, for EXPLAIN COST.

    python -m sparkllm.estimates.from_statistics < calls.json

reads what the Catalyst extension knows of an operator and prints a line for it. Columns are taken
to be independent of each other.
"""

import json
import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from sparkllm.estimates.call_estimate import CallEstimate
from sparkllm.estimates.speed import Speed, fit
from sparkllm.ledger import Usage
from sparkllm.tasks.prompt import Literal
from sparkllm.worker.prompt_tokens import PromptTokens
from sparkllm.worker.question import Question, questions
from sparkllm.worker.sample_estimate import answer_tokens
from sparkllm.worker.settings import engine_settings, prices_of
from sparkllm.worker.usage_rows import ask_driver

_BYTES_OF_TOKEN = 4.0
_BYTES_OF_UNKNOWN = 24.0  # of a value of a column without statistics

Column = Mapping[str, float] | None


def estimate(body: Mapping[str, Any], asked: Sequence[Question]) -> CallEstimate:
    """Return what the calls of an operator would take."""
    properties = body["properties"]
    tokens = PromptTokens(engine_settings(properties.get))
    prices = prices_of(properties.get)
    rows = float(body["rows"])
    inputs = prompt = computed = answer = 0.0
    most = set[str]()
    for question in asked:
        columns = [body["columns"][place] for place in question.arguments]
        if None in columns:
            most |= {"distinct inputs", "prompt tokens", "from cache", "seconds", "money"}
        distinct = _combinations(columns, rows)
        of_prompt, to_compute = _tokens(question, columns, distinct, tokens)
        of_answer, is_most = answer_tokens(question, tokens)
        if is_most:
            most |= {"answer tokens", "seconds", "money"}
        inputs += distinct
        prompt += of_prompt
        computed += to_compute
        answer += of_answer * distinct
    cached = prompt - computed
    speed = _speed(properties)
    seconds = speed.seconds(inputs, prompt, cached, answer) if speed else None
    money = prices.money(prompt, cached, answer)
    return CallEstimate(rows, inputs, prompt, cached, answer, seconds, money, frozenset(most))


def _combinations(columns: Sequence[Column], rows: float) -> float:
    """How many different values so many columns have together in these rows."""
    each = [column["distinct"] if column else rows for column in columns]
    possible = math.prod(each)
    met = possible * -math.expm1(-rows / possible) if possible < 100 * rows else rows
    return min(rows, max(met, *each))


def _tokens(
    question: Question, columns: Sequence[Column], inputs: float, tokens: PromptTokens
) -> tuple[float, float]:
    """Tokens of the prompts of these inputs, and those that no prompt before begins with."""
    head = sum(
        tokens.count(part.text) for part in question.prompt.head if isinstance(part, Literal)
    )
    known = dict(zip(question.call.columns, columns, strict=True))
    order = question.order or question.call.columns
    names = [*question.slots, *(name for name in order if name not in question.slots)]
    if not inputs:
        return 0.0, 0.0
    prompt = inputs * (tokens.opening + head + tokens.closing)
    computed = tokens.opening + head + inputs * tokens.closing
    beginnings = 1.0
    for place, name in enumerate(names):
        column = known[name]
        width = (column["bytes"] if column else _BYTES_OF_UNKNOWN + len(name)) / _BYTES_OF_TOKEN
        prompt += inputs * width
        longer = _combinations([known[other] for other in names[: place + 1]], inputs)
        frame = min(width, (len(name) + len(': "')) / _BYTES_OF_TOKEN)
        computed += longer * (width - frame) + beginnings * frame
        beginnings = longer
    return prompt, min(computed, prompt)


def _speed(properties: Mapping[str, str]) -> Speed | None:
    """The speed of the session's engine, as the driver knows it."""
    told = ask_driver(properties.get, {"queries": True})
    return fit((Usage(**usage), busy) for usage, busy in told or ())


def main() -> None:
    body = json.loads(sys.stdin.read())
    asked = questions(json.dumps(body))
    sys.stdout.write(estimate(body, asked).line + "\n")


if __name__ == "__main__":
    main()
