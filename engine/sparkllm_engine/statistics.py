"""What the engine did, counted."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from time import perf_counter

from sparkllm_engine.request import Result
from sparkllm_engine.roofline import Peak


@dataclass(slots=True)
class Statistics:
    """Totals since the engine started.

    Attributes:
        requests: results given, errors included.
        errors: results with an error.
        steps: forward passes.
        prompt_tokens: tokens of the prompts that were answered.
        cached_tokens: those of them that were never computed.
        computed_tokens: tokens that went through the model, answers and repeats included.
        output_tokens: tokens generated.
        flops: least multiplications and additions of the forward passes, see `model.cost`.
        bytes: least bytes that they read.
        tokenize_seconds: text to tokens.
        schedule_seconds: choosing what a step computes, laying it out, and settling it.
        forward_seconds: the model.
        answer_seconds: logits to answers.
        peak: what the machine can do at most, once it was measured.
    """

    requests: int = 0
    errors: int = 0
    steps: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    computed_tokens: int = 0
    output_tokens: int = 0
    flops: int = 0
    bytes: int = 0
    tokenize_seconds: float = 0.0
    schedule_seconds: float = 0.0
    forward_seconds: float = 0.0
    answer_seconds: float = 0.0
    peak: Peak | None = None

    def count(self, result: Result) -> None:
        """Add one result."""
        self.requests += 1
        self.errors += result.error_code is not None
        self.prompt_tokens += result.prompt_tokens
        self.cached_tokens += result.cached_tokens
        self.output_tokens += result.output_tokens

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Add the seconds of the block to `<name>_seconds`."""
        start = perf_counter()
        try:
            yield
        finally:
            attribute = f"{name}_seconds"
            setattr(self, attribute, getattr(self, attribute) + perf_counter() - start)

    def as_dict(self) -> dict[str, float | int]:
        """Return the totals by name, with the rates of the forward passes.

        `gflops` and `gigabytes_per_second` are achieved on average; once the peak was measured, it
        stands beside them as `peak_gflops` and `peak_gigabytes_per_second`.
        """
        totals = asdict(self)
        peak = totals.pop("peak")
        seconds = max(self.forward_seconds, 1e-9)
        totals["gflops"] = self.flops / seconds / 1e9
        totals["gigabytes_per_second"] = self.bytes / seconds / 1e9
        return totals | {f"peak_{name}": rate for name, rate in (peak or {}).items()}
