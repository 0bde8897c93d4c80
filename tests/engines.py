"""Engines with known answers, for tests of everything around the model.

They run in real engine processes: `spark.sparkllm.engine.implementation=tests.engines:…`.
"""

import hashlib
import json
import os
import re
import signal
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from sparkllm_engine import EngineConfig, Request, Result


def digest(prompt: str) -> str:
    """Return the answer of `DigestEngine` to a prompt."""
    return hashlib.sha256(prompt.encode()).hexdigest()[:16]


class DigestEngine:
    """Answers with a digest of the prompt; a prompt that holds "too long" is an error."""

    batch = 1 << 30
    seconds_per_step = 0.0

    def __init__(self, config: EngineConfig) -> None:
        self._requests: list[Request] = []

    @property
    def has_unfinished(self) -> bool:
        return bool(self._requests)

    def add(self, request: Request) -> None:
        self._requests.append(request)

    def step(self) -> list[Result]:
        time.sleep(self.seconds_per_step)
        now, self._requests = self._requests[: self.batch], self._requests[self.batch :]
        return [_answer(request) for request in now]

    def cancel(self, ids: Iterable[int]) -> None:
        gone = set(ids)
        self._requests = [request for request in self._requests if request.id not in gone]

    def statistics(self) -> dict[str, float | int]:
        return {}


class ChoosingEngine(DigestEngine):
    """Answers with the choice that the prompt's digest falls on, wherever instructions stand."""

    def add(self, request: Request) -> None:
        super().add(replace(request, prompt=(_instruction_first("".join(request.prompt)),)))

    def step(self) -> list[Result]:
        choices = {request.id: request.parameters.choices for request in self._requests}
        return [
            replace(answer, text=chosen(answer.text, choices[answer.id]))
            for answer in super().step()
        ]


def _instruction_first(prompt: str) -> str:
    """Return the prompt with its instruction in front, where its data is."""
    if not re.match(r"\w+: ", prompt):
        return prompt
    data, _, instruction = prompt.rpartition("\n\n")
    return f"{instruction.strip()}\n\n{data}\n"


def chosen(answer: str | None, choices: Sequence[str]) -> str | None:
    """Return the answer of `ChoosingEngine` where that of `DigestEngine` is `answer`."""
    return choices[int(answer, 16) % len(choices)] if answer and choices else answer


class SlowDigestEngine(DigestEngine):
    """Ten answers a step, fifty milliseconds a step."""

    batch = 10
    seconds_per_step = 0.05


class WordLimitEngine(DigestEngine):
    """Takes prompts of at most 20 words, and does not end its answer to one that holds "endless".

    It answers with the prompt itself.
    """

    def step(self) -> list[Result]:
        now, self._requests = self._requests, []
        return [self._limited(request) for request in now]

    def _limited(self, request: Request) -> Result:
        prompt = "".join(request.prompt)
        tokens = len(prompt.split())
        if tokens > 20:
            message = f"the prompt has {tokens} tokens, at most 20 fit"
            return Result(request.id, None, "error", "OVERFLOW", message, tokens, most_tokens=20)
        reason = "length" if "endless" in prompt else "stop"
        return Result(request.id, prompt, reason, None, None, tokens, 1, 2)


class MeanEngine(DigestEngine):
    """Answers with the mean of the numbers in a prompt about a group, by how often each is there.

    It does not end its answer to a group that has the number 777.
    """

    def step(self) -> list[Result]:
        now, self._requests = self._requests, []
        return [self._mean(request) for request in now]

    def _mean(self, request: Request) -> Result:
        prompt = "".join(request.prompt)
        lines = re.findall(r'^\w+(?: \((\d+) \w+\))?: "(.*)"$', prompt, re.MULTILINE)
        numbers = [(int(count or 1), Fraction(number)) for count, number in lines]
        total = sum(count * number for count, number in numbers)
        mean = str(total / sum(count for count, _ in numbers))
        reason = "length" if any(number == 777 for _, number in numbers) else "stop"
        return Result(request.id, mean, reason, prompt_tokens=len(lines), output_tokens=1)


class MortalDigestEngine(DigestEngine):
    """Kills its process when it is to answer the row with the number 77."""

    batch = 10
    seconds_per_step = 0.02

    def step(self) -> list[Result]:
        if any('"row 77"' in request.prompt[-1] for request in self._requests[: self.batch]):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().step()


def _answer(request: Request) -> Result:
    prompt = "".join(request.prompt)
    tokens = len(prompt.split())
    if "too long" in prompt:
        message = f"the prompt has {tokens} tokens, the model takes 1"
        return Result(request.id, None, "error", "OVERFLOW", message, tokens)
    return Result(request.id, digest(prompt), "stop", prompt_tokens=tokens, output_tokens=1)


class RecordingEngine(DigestEngine):
    """A `DigestEngine` that adds each prompt it is asked, as JSON, to the file named as its model.

    A prompt that holds `answer=…` is answered with what follows, up to the end of the value.
    """

    def __init__(self, config: EngineConfig) -> None:
        super().__init__(config)
        self._record = Path(config.model)

    def add(self, request: Request) -> None:
        with self._record.open("a") as record:
            record.write(json.dumps("".join(request.prompt)) + "\n")
        super().add(request)

    def step(self) -> list[Result]:
        dictated = {request.id: _dictated(request) for request in self._requests}
        return [
            result if dictated[result.id] is None else replace(result, text=dictated[result.id])
            for result in super().step()
        ]


class CountingEngine(DigestEngine):
    """A `DigestEngine` that notes what it computes in the file named as its model, while it does.

    Twenty answers a step, twenty milliseconds a step.
    """

    batch = 20
    seconds_per_step = 0.02

    def __init__(self, config: EngineConfig) -> None:
        super().__init__(config)
        self._record = Path(config.model)

    def step(self) -> list[Result]:
        computed = ["".join(request.prompt) for request in self._requests[: self.batch]]
        with self._record.open("a") as record:
            record.write("".join(json.dumps(prompt) + "\n" for prompt in computed))
        return super().step()


def _dictated(request: Request) -> str | None:
    found = re.search(r': "answer=((?:[^"\\]|\\.)*)"', "".join(request.prompt))
    return json.loads(f'"{found[1]}"') if found else None
