"""Answers to examples from the product's engine, as `llm()` gets them."""

from collections.abc import Sequence
from pathlib import Path

from sparkllm.demo_model.corpus.example import Example
from sparkllm_engine import EngineConfig, LLMEngine, Request, SamplingParameters


class Answerer:
    """Answers with a model in an engine of its own.

    Args:
        folder: of the model.
        device: torch device.
        threads: of the forward pass, 0 for all cores.
    """

    def __init__(self, folder: Path, device: str = "cpu", threads: int = 0) -> None:
        self._engine = LLMEngine(EngineConfig(str(folder), device=device, threads=threads))

    def answers(self, examples: Sequence[Example]) -> list[str]:
        """Return an answer to each example, in order; it keeps to the choices or the schema.

        Raises:
            RuntimeError: the engine gave an error for some example.
        """
        requests = (
            Request(number, example.pieces, _parameters(example))
            for number, example in enumerate(examples)
        )
        found = [""] * len(examples)
        for result in self._engine.run(requests):
            if result.text is None:
                raise RuntimeError(f"example {result.id}: {result.error_message}")
            found[result.id] = result.text
        return found


def _parameters(example: Example) -> SamplingParameters:
    if example.choices:
        return SamplingParameters(choices=example.choices)
    if example.schema:
        return SamplingParameters(json_schema=example.schema, max_tokens=256)
    return SamplingParameters(max_tokens=24)
