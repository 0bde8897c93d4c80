"""Configuration of an engine that asks a remote service."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from sparkllm_engine.errors import EngineConfigError

_LEAST = {
    "concurrency": 1,
    "requests_per_minute": 0,
    "tokens_per_minute": 0,
    "timeout": 0.001,
    "max_attempts": 1,
    "outage_timeout": 0,
}


@dataclass(frozen=True, slots=True)
class RemoteConfig:
    """Which service is asked, and within which limits. Secrets come in the environment.

    Attributes:
        base_url: what stands before `/chat/completions`.
        model: the name that the service has for its model.
        concurrency: requests under way at once.
        requests_per_minute: most requests of all executors together, 0 for any number.
        tokens_per_minute: most tokens of all executors together, 0 for any number.
        timeout: seconds that the service has for one answer.
        max_attempts: how often a row is asked that the service fails.
        outage_timeout: seconds that rows wait for a service that is away or lets nobody in.

    Raises:
        EngineConfigError: a value is missing or out of its range.
    """

    base_url: str
    model: str
    concurrency: int = 32
    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    timeout: float = 60.0
    max_attempts: int = 6
    outage_timeout: float = 300.0

    def __post_init__(self) -> None:
        address = urlsplit(self.base_url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise EngineConfigError(
                f"base_url {self.base_url!r} is no address of a service: set "
                "spark.sparkllm.openai.baseUrl, such as http://localhost:8000/v1"
            )
        if address.username or address.password:
            raise EngineConfigError(
                "base_url holds a user or a password: set spark.sparkllm.openai.apiToken instead"
            )
        if not self.model:
            raise EngineConfigError(
                "model is empty: set spark.sparkllm.model to the service's name for its model"
            )
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value < least:
                raise EngineConfigError(f"{name} is {value}: it must be at least {least:g}")
