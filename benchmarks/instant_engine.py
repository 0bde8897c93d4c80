"""An engine that answers at once, to measure everything around the model."""

import zlib
from collections.abc import Iterable

from sparkllm_engine import EngineConfig, Request, Result


class InstantEngine:
    """Answers every request in the next step: its first choice, or the length of its prompt."""

    def __init__(self, config: EngineConfig) -> None:
        self._results: list[Result] = []

    @property
    def has_unfinished(self) -> bool:
        """Whether a step would return something."""
        return bool(self._results)

    def add(self, request: Request) -> None:
        """Take a request."""
        choices = request.parameters.choices
        text = choices[0] if choices else str(sum(map(len, request.prompt)))
        self._results.append(Result(request.id, text, "choice" if choices else "stop"))

    def step(self) -> list[Result]:
        """Return the results of all requests taken since the last step."""
        results, self._results = self._results, []
        return results

    def cancel(self, ids: Iterable[int]) -> None:
        """Drop requests."""
        dropped = set(ids)
        self._results = [result for result in self._results if result.id not in dropped]

    def statistics(self) -> dict[str, float | int]:
        """Return nothing: there is no work to count."""
        return {}


class ChecksumEngine(InstantEngine):
    """Picks one of the choices by a checksum of the prompt, each about as often as the others."""

    def add(self, request: Request) -> None:
        """Take a request."""
        super().add(request)
        choices = request.parameters.choices
        if choices:
            checksum = zlib.crc32("".join(request.prompt).encode())
            text = choices[checksum % len(choices)]
            self._results[-1] = Result(request.id, text, "choice")
