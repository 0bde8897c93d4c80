"""Configuration of the engine."""

from dataclasses import dataclass

from sparkllm_engine.errors import EngineConfigError

_CHOICES = {
    "dtype": ("auto", "bfloat16", "float32"),
    "quantization": ("none", "int8"),
    "order": ("arrival", "prefix"),
}
_LEAST = {
    "threads": 0,
    "token_budget": 1,
    "cache_bytes": 0,
    "max_model_length": 0,
    "max_running": 1,
}


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """What an engine runs, and within which limits.

    Attributes:
        model: Hugging Face id or local path of a decoder.
        device: torch device, such as `cuda` or `cpu`; `auto` takes a GPU where torch can use one,
            but for int8.
        dtype: `auto` (bfloat16 where the processor computes in it, else float32), `bfloat16`
            or `float32`.
        quantization: `none`, or `int8` to compute linear layers in 8-bit integers, on a CPU only.
        threads: threads of the forward pass, 0 for all cores.
        token_budget: tokens per step.
        cache_bytes: bytes of the pool for keys and values.
        max_model_length: tokens of prompt and answer together, 0 for the model's own context.
        max_running: requests that run at once.
        order: which waiting request is next: `arrival`, or `prefix` to go through those that wait
            prefix by prefix, for pools too small to keep all shared prefixes.

    Raises:
        EngineConfigError: a value is out of its range.
    """

    model: str
    device: str = "auto"
    dtype: str = "auto"
    quantization: str = "none"
    threads: int = 0
    token_budget: int = 2048
    cache_bytes: int = 1 << 30
    max_model_length: int = 0
    max_running: int = 256
    order: str = "arrival"

    def __post_init__(self) -> None:
        if not self.model:
            raise EngineConfigError("model is empty: give a Hugging Face id or a local path")
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                raise EngineConfigError(f"{name} {value!r} is unknown: use {' or '.join(choices)}")
        if self.quantization != "none" and not self.device.startswith(("cpu", "auto")):
            raise EngineConfigError(
                f"quantization {self.quantization} is for device cpu, not for {self.device}"
            )
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value < least:
                raise EngineConfigError(f"{name} is {value}: it must be at least {least}")
