"""An engine without a model that does as it is told, for tests with real processes.

The answer to a prompt is its last piece, without the newline. The configuration sets the pace:
`token_budget` rows a step, `max_model_length` milliseconds a step. The words below in `model` or
in a prompt's last piece make it misbehave.
"""

import os
import signal
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from sparkllm_engine.config import EngineConfig
from sparkllm_engine.errors import EngineConfigError
from sparkllm_engine.request import Request, Result


class ScriptedEngine:
    """Answers in the order of arrival.

    Models: `missing` is an error, `crash` ends the process, `slow` takes a minute, `deadly` dies
    in its first step, others are ready at once. Prompts: `poison` kills the process, `poison-once
    PATH` does if it can make that file, `fail` raises from `step`, `broken` raises from everything
    from then on, `hang` computes for ever, `never` is never answered while others are, `allocate`
    takes more memory than there is, `error` ends in an error.
    """

    def __init__(self, config: EngineConfig) -> None:
        if config.model == "missing":
            raise EngineConfigError("model 'missing' was not found: give an id or a path")
        if config.model == "crash":
            os._exit(3)
        if config.model == "slow":
            time.sleep(60)
        self._rows_a_step = config.token_budget
        self._seconds_a_step = config.max_model_length / 1000
        self._waiting: dict[int, Request] = {}
        self._broken = False
        self._deadly = config.model == "deadly"
        self._cancelled: list[Result] = []
        self._counts = {"steps": 0, "computed": 0, "cancelled": 0}

    @property
    def has_unfinished(self) -> bool:
        return bool(self._waiting or self._cancelled)

    def add(self, request: Request) -> None:
        self._waiting[request.id] = request

    def cancel(self, ids: Iterable[int]) -> None:
        if self._broken:
            raise RuntimeError("nothing works any more")
        for request in ids:
            if self._waiting.pop(request, None):
                self._counts["cancelled"] += 1
                self._cancelled.append(Result(request, None, "cancelled"))

    def statistics(self) -> dict[str, float | int]:
        return {**self._counts, "waiting": len(self._waiting)}

    def step(self) -> list[Result]:
        if self._deadly:
            os.kill(os.getpid(), signal.SIGKILL)
        if self._seconds_a_step:
            time.sleep(self._seconds_a_step)
        self._counts["steps"] += 1
        answerable = (one for one in self._waiting.values() if one.prompt[-1] != "never\n")
        requests = list(islice(answerable, self._rows_a_step))
        results = [self._answer(request) for request in requests]
        self._counts["computed"] += len(results)
        for request in requests:
            del self._waiting[request.id]
        cancelled, self._cancelled = self._cancelled, []
        return cancelled + results

    def _answer(self, request: Request) -> Result:
        text = request.prompt[-1].rstrip("\n")
        match text.split():
            case ["poison"]:
                os.kill(os.getpid(), signal.SIGKILL)
            case ["poison-once", path] if _made(Path(path)):
                os.kill(os.getpid(), signal.SIGKILL)
            case ["broken"]:
                self._broken = True
                raise RuntimeError("nothing works from now on")
            case ["fail"]:
                raise RuntimeError("a step went wrong")
            case ["allocate"]:
                bytearray(1 << 60)
            case ["hang"]:
                time.sleep(3600)
            case ["error"]:
                return Result(request.id, None, "error", "TEST_ERROR", "as told")
        return Result(request.id, text, "stop", None, None, 10, 4, 1)


class InstantEngine:
    """Answers at once with the last piece of the prompt, as cheaply as Python can."""

    def __init__(self, config: EngineConfig) -> None:
        self._results: list[Result] = []

    @property
    def has_unfinished(self) -> bool:
        return bool(self._results)

    def add(self, request: Request) -> None:
        self._results.append(Result(request.id, request.prompt[-1], "stop"))

    def cancel(self, ids: Iterable[int]) -> None:
        pass

    def statistics(self) -> dict[str, float | int]:
        return {}

    def step(self) -> list[Result]:
        results, self._results = self._results, []
        return results


def _made(path: Path) -> bool:
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
