"""What a task needs to know of the configuration, read on the executor.

Spark hands every `spark.*` property of the session to its tasks as local properties, so a query
sees the values that were set when it started, `SET` included.
"""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from pyspark import TaskContext

from sparkllm import configuration, demo_model
from sparkllm.client import EngineSettings, RemoteSettings
from sparkllm_engine.server.budget import Limits, Prices
from sparkllm_engine.server.metering import BudgetTerms
from sparkllm_optimizer import PlanOptions

_LOCAL = re.compile(r"local(?:\[\s*(\d+|\*)\s*(?:,\s*\d+\s*)?\])?")
_LOCAL_CLUSTER = re.compile(r"local-cluster\[\s*\d+\s*,\s*(\d+)\s*,\s*\d+\s*\]")

_PREVIEW = re.compile(re.escape(configuration.PREVIEW_TAG) + "([0-9a-f]{32})")

Properties = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """One task's settings: the engine it talks to, its window, where it reports to.

    `shown` is whether the driver shows its progress. `preview` names the preview that it runs for,
    if it does: then no model is called. `embedding_model` embeds texts where a call names none,
    empty for the model of the engine.
    """

    engine: EngineSettings
    embedding_model: str
    window_rows: int
    plan: PlanOptions
    usage_address: str
    usage_token: str
    application: str
    query: str
    shown: bool = False
    preview: str = ""
    prices: Prices = field(default_factory=Prices)
    budget: BudgetTerms | None = None


def task_settings() -> WorkerSettings:
    """Return the settings of the running task.

    Raises:
        ConfigurationError: a value is not of its type.
    """
    context = TaskContext.get()
    properties: Properties = context.getLocalProperty if context else _no_properties
    preview = _PREVIEW.search(properties("spark.job.tags") or "")
    prices = prices_of(properties)
    return WorkerSettings(
        engine=engine_settings(properties),
        embedding_model=configuration.EMBEDDING_MODEL.value(properties),
        window_rows=max(1, configuration.WORKER_WINDOW_ROWS.value(properties)),
        plan=PlanOptions(configuration.OPTIMIZER_COLUMN_ORDER.value(properties)),
        usage_address=configuration.USAGE_ADDRESS.value(properties),
        usage_token=configuration.USAGE_TOKEN.value(properties),
        application=properties("spark.app.id") or "",
        query=properties("spark.sql.execution.id") or "",
        shown=configuration.PROGRESS_ENABLED.value(properties),
        preview=preview[1] if preview else "",
        prices=prices,
        budget=_budget(properties, prices),
    )


def prices_of(properties: Properties) -> Prices:
    """Return the price list of these properties."""
    whole = configuration.PRICE_INPUT.value(properties)
    cached = configuration.PRICE_CACHED.value(properties)
    return Prices(
        whole,
        whole if cached is None else cached,
        configuration.PRICE_OUTPUT.value(properties),
    )


def _budget(properties: Properties, prices: Prices) -> BudgetTerms | None:
    limits = Limits(
        configuration.BUDGET_CALLS.value(properties),
        configuration.BUDGET_TOKENS.value(properties),
        configuration.BUDGET_SECONDS.value(properties),
        configuration.BUDGET_MONEY.value(properties),
    )
    if limits == Limits():
        return None
    return BudgetTerms(
        query=properties("spark.sql.execution.id") or "",
        limits=limits,
        prices=prices,
        address=configuration.USAGE_ADDRESS.value(properties),
        token=configuration.USAGE_TOKEN.value(properties),
        application=properties("spark.app.id") or "",
    )


def engine_settings(properties: Properties) -> EngineSettings:
    """Return the settings of the engine process that these properties ask for."""
    return EngineSettings(
        implementation=configuration.ENGINE_IMPLEMENTATION.value(properties),
        model=configuration.MODEL.value(properties) or str(demo_model.path()),
        device=configuration.ENGINE_DEVICE.value(properties),
        quantization=configuration.ENGINE_QUANTIZATION.value(properties),
        threads=configuration.ENGINE_THREADS.value(properties) or executor_cores(properties),
        token_budget=configuration.ENGINE_TOKEN_BUDGET.value(properties),
        cache_bytes=configuration.ENGINE_CACHE_BYTES.value(properties),
        max_model_length=configuration.ENGINE_MAX_MODEL_LENGTH.value(properties),
        store_memory_bytes=configuration.STORE_MEMORY_BYTES.value(properties),
        store_path=configuration.STORE_PATH.value(properties),
        store_max_bytes=configuration.STORE_MAX_BYTES.value(properties),
        store_max_age=configuration.STORE_MAX_AGE.value(properties),
        idle_timeout=configuration.ENGINE_IDLE_TIMEOUT.value(properties),
        request_timeout=configuration.ENGINE_REQUEST_TIMEOUT.value(properties),
        start_timeout=configuration.ENGINE_START_TIMEOUT.value(properties),
        directory=configuration.ENGINE_DIRECTORY.value(properties),
        max_restarts=configuration.ENGINE_MAX_RESTARTS.value(properties),
        remote=_remote_settings(properties),
    )


def _remote_settings(properties: Properties) -> RemoteSettings | None:
    if configuration.ENGINE_BACKEND.value(properties) == "native":
        return None
    config: dict[str, object] = {
        "base_url": configuration.OPENAI_BASE_URL.value(properties),
        "model": configuration.MODEL.value(properties),
        "concurrency": configuration.OPENAI_CONCURRENCY.value(properties),
        "requests_per_minute": configuration.OPENAI_REQUESTS_PER_MINUTE.value(properties),
        "tokens_per_minute": configuration.OPENAI_TOKENS_PER_MINUTE.value(properties),
        "timeout": configuration.OPENAI_TIMEOUT.value(properties),
        "max_attempts": configuration.OPENAI_MAX_ATTEMPTS.value(properties),
        "outage_timeout": configuration.OPENAI_OUTAGE_TIMEOUT.value(properties),
    }
    driver = (
        configuration.USAGE_ADDRESS.value(properties),
        configuration.USAGE_TOKEN.value(properties),
        properties("spark.app.id") or "",
    )
    return RemoteSettings(
        config,
        configuration.OPENAI_API_TOKEN.value(properties),
        " ".join(driver) if all(driver) else "",
    )


def executor_cores(properties: Properties) -> int:
    """Return the cores that Spark gave this executor, at most those of the machine."""
    machine = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    machine = machine or 1
    master = properties("spark.master") or "local[*]"
    local = _LOCAL.fullmatch(master)
    cluster = _LOCAL_CLUSTER.fullmatch(master)
    if local:
        wanted = machine if local[1] == "*" else int(local[1] or 1)
    elif cluster:
        wanted = int(cluster[1])
    else:
        wanted = int(properties("spark.executor.cores") or machine)
    return max(1, min(wanted, machine))


def _no_properties(_: str) -> str | None:
    return None
