"""What determines the engine process of an executor."""

import json
from dataclasses import asdict, dataclass, field, replace

from sparkllm.client.errors import EngineError

_EMBEDDING = "sparkllm_engine.embedding.engine:EmbeddingEngine"


@dataclass(frozen=True, slots=True)
class RemoteSettings:
    """The service that the process asks instead of running a model.

    Attributes:
        config: fields of `sparkllm_engine.remote.config.RemoteConfig`.
        token: what the service knows its customer by, empty for none.
        driver: address, token and application of the driver that keeps the rate, with blanks
            between them.
    """

    config: dict[str, object]
    token: str = field(repr=False)
    driver: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """Settings of the engine process and of how a task deals with it.

    Tasks share a process when all their settings are equal but for `start_timeout` and
    `max_restarts`, which are the tasks' own.

    Attributes:
        implementation: `module:Class` of the engine, empty for `sparkllm_engine:LLMEngine`.
        model: Hugging Face id or local path.
        device: torch device, `auto` for a GPU where there is one.
        quantization: `none` or `int8`.
        threads: threads of the forward pass, 0 for all cores.
        token_budget: tokens per step.
        cache_bytes: bytes of the pool for keys and values.
        max_model_length: tokens, 0 for the model's own context.
        store_memory_bytes: bytes of answers kept in memory, 0 for none.
        store_path: where answers are kept beyond the process, empty for nowhere.
        store_max_bytes: bytes of answers kept there, 0 for any number.
        store_max_age: seconds that answers are kept there, 0 for ever.
        idle_timeout: seconds without an exchange after which the process ends.
        request_timeout: seconds that a prompt may be in the engine.
        start_timeout: seconds that a start may take.
        directory: where sockets and logs go; empty for the user's runtime or temporary directory.
        max_restarts: restarts in a row without a finished row before a call fails.
        remote: the service to ask, None to run the model in the process.
    """

    implementation: str
    model: str
    device: str
    quantization: str
    threads: int
    token_budget: int
    cache_bytes: int
    max_model_length: int
    store_memory_bytes: int
    store_path: str
    store_max_bytes: int
    store_max_age: float
    idle_timeout: float
    request_timeout: float
    start_timeout: float
    directory: str
    max_restarts: int
    remote: RemoteSettings | None = None

    def embedding(self, model: str) -> "EngineSettings":
        """Return the settings of the process that embeds texts.

        Args:
            model: its own model, empty for that of this process.

        Raises:
            EngineError: a service is asked, and nobody named its embedding model.
        """
        if self.remote is not None:
            if not model:
                raise EngineError(
                    "the backend openai needs the service's name for an embedding model: set"
                    " spark.sparkllm.embedding.model, or model => '...' in the call"
                )
            config = {**self.remote.config, "model": model}
            return replace(self, remote=replace(self.remote, config=config))
        if not model:
            return self
        return replace(
            self, implementation=_EMBEDDING, model=model, quantization="none", max_model_length=0
        )

    def process_json(self) -> str:
        """Return what determines the process as JSON with sorted keys: equal for equal ones."""
        settings = asdict(self)
        del settings["start_timeout"], settings["max_restarts"]
        return json.dumps(settings, sort_keys=True)
