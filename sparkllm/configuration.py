"""Every configuration key, declared once. `docs/configuration.md` is made from this file.

`python -m sparkllm.configuration` prints that document.
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from sparkllm.configuration_values import (
    BACKEND,
    BOOLEAN,
    BYTES,
    COLUMN_ORDER,
    COUNT,
    DURATION,
    NUMBER,
    PERHAPS_NUMBER,
    QUANTIZATION,
    TEXT,
    ConfigurationError,
    Key,
    Kind,
)

PREFIX = "spark.sparkllm."
_REGISTERED_TASKS = f"{PREFIX}tasks.registered."
PREVIEW_TAG = "sparkllm-preview-"
T = TypeVar("T")


_KEYS: dict[str, Key[Any]] = {}


def _declare(kind: Kind[T], name: str, default: str, scope: str, meaning: str) -> Key[T]:
    key = Key(kind, PREFIX + name, default, scope, meaning)
    _KEYS[key.name] = key
    return key


MODEL = _declare(
    TEXT, "model", "", "startup",
    "Hugging Face id or local path of the model. Empty: the small model that ships with "
    "sparkllm.",
)  # fmt: skip
EMBEDDING_MODEL = _declare(
    TEXT, "embedding.model", "", "session",
    "Hugging Face id or local path of the model that embeds texts: an encoder, or a decoder that "
    "was trained for it. It runs in an engine process of its own. Empty: the last hidden state of "
    "`spark.sparkllm.model`. With `engine.backend=openai`, the service's name for the model.",
)  # fmt: skip
ENGINE_BACKEND = _declare(
    BACKEND, "engine.backend", "native", "startup",
    "Who answers: the model in the engine process (`native`), or a service that speaks OpenAI's "
    "chat protocol, such as vLLM, SGLang or a hosted one (`openai`, see docs/backends.md).",
)  # fmt: skip
OPENAI_BASE_URL = _declare(
    TEXT, "openai.baseUrl", "", "startup",
    "Address of the service up to `/chat/completions`, such as `http://localhost:8000/v1`.",
)  # fmt: skip
OPENAI_API_TOKEN = _declare(
    TEXT, "openai.apiToken", "", "startup",
    "The service's API key, redacted by Spark as every property with `token` in its name. Empty: "
    "the environment variable `SPARKLLM_API_TOKEN` of the executors, if it is set.",
)  # fmt: skip
OPENAI_CONCURRENCY = _declare(
    COUNT, "openai.concurrency", "32", "startup",
    "Most requests under way at once from each executor.",
)  # fmt: skip
OPENAI_REQUESTS_PER_MINUTE = _declare(
    COUNT, "openai.requestsPerMinute", "0", "startup",
    "Most requests a minute from all executors together. 0: no limit.",
)  # fmt: skip
OPENAI_TOKENS_PER_MINUTE = _declare(
    COUNT, "openai.tokensPerMinute", "0", "startup",
    "Most tokens a minute, of prompts and answers, from all executors together; estimated before a "
    "request is sent, rather too high than too low. 0: no limit.",
)  # fmt: skip
OPENAI_TIMEOUT = _declare(
    DURATION, "openai.timeout", "60s", "startup",
    "Longest time that the service may take for one answer.",
)  # fmt: skip
OPENAI_MAX_ATTEMPTS = _declare(
    COUNT, "openai.maxAttempts", "6", "startup",
    "How often a row is asked when the service fails. Being told to come later does not count.",
)  # fmt: skip
OPENAI_OUTAGE_TIMEOUT = _declare(
    DURATION, "openai.outageTimeout", "5min", "startup",
    "How long rows wait for a service that is away, or that lets nobody in, before they are "
    "errors.",
)  # fmt: skip
ENGINE_IMPLEMENTATION = _declare(
    TEXT, "engine.implementation", "sparkllm_engine.engine:LLMEngine", "startup",
    "The engine class. Another class with the methods of `LLMEngine` can take its place, for "
    "tests and measurements.",
)  # fmt: skip
ENGINE_THREADS = _declare(
    COUNT, "engine.threads", "0", "startup",
    "Threads of the engine process. 0: the cores of the executor.",
)  # fmt: skip
ENGINE_DEVICE = _declare(
    TEXT, "engine.device", "auto", "startup",
    "Where the model computes: `cpu`, `cuda`, `cuda:1`, … `auto`: a GPU that torch can use, else "
    "the processor.",
)  # fmt: skip
ENGINE_QUANTIZATION = _declare(
    QUANTIZATION, "engine.quantization", "none", "startup",
    "Arithmetic of the model's linear layers. `int8`: 8-bit integers, on processors only; faster, "
    "and a few answers differ.",
)  # fmt: skip
ENGINE_TOKEN_BUDGET = _declare(
    COUNT, "engine.tokenBudget", "2048", "startup",
    "Most tokens the model computes in one step.",
)  # fmt: skip
ENGINE_CACHE_BYTES = _declare(
    BYTES, "engine.cacheBytes", "1g", "startup",
    "Memory of the engine for the KV cache, shared by rows in work and cached prefixes.",
)  # fmt: skip
ENGINE_MAX_MODEL_LENGTH = _declare(
    COUNT, "engine.maxModelLength", "0", "startup",
    "Longest prompt and answer together. 0: the model's own context.",
)  # fmt: skip
ENGINE_IDLE_TIMEOUT = _declare(
    DURATION, "engine.idleTimeout", "10min", "startup",
    "The engine process ends after this time without a request. The next query starts it "
    "again.",
)  # fmt: skip
ENGINE_REQUEST_TIMEOUT = _declare(
    DURATION, "engine.requestTimeout", "15min", "startup",
    "Longest time that a prompt may be in the engine, the wait for its turn there included; after "
    "that its row is an error. An engine that hangs that long in one step is started again.",
)  # fmt: skip
ENGINE_START_TIMEOUT = _declare(
    DURATION, "engine.startTimeout", "10min", "startup",
    "Longest time that loading the model may take.",
)  # fmt: skip
ENGINE_MAX_RESTARTS = _declare(
    COUNT, "engine.maxRestarts", "3", "session",
    "How often in a row a dead engine process is started again without a row finished in "
    "between, before the task fails.",
)  # fmt: skip
ENGINE_DIRECTORY = _declare(
    TEXT, "engine.directory", "", "startup",
    "Directory for sockets, locks and logs of engine processes, on each executor's machine. "
    "Empty: the user's runtime directory, else the temporary directory.",
)  # fmt: skip
WORKER_WINDOW_ROWS = _declare(
    COUNT, "worker.windowRows", "4096", "session",
    "Rows that are deduplicated, ordered and sent to the engine together. The next window is "
    "prepared while the engine works on this one.",
)  # fmt: skip
JOIN_MAX_PAIRS = _declare(
    COUNT, "join.maxPairs", "100000", "session",
    "Most pairs of rows that the condition of a join may ask the model about, such as `ON a.key = "
    "b.key AND llm_filter(…)`. They are counted before the first is asked. 0: any number.",
)  # fmt: skip
OPTIMIZER_COLUMN_ORDER = _declare(
    COLUMN_ORDER, "optimizer.columnOrder", "asWritten", "session",
    "How far the order of a row's fields in its prompt may differ from that of the call, so that "
    "more rows share prefixes: not at all, one order for all rows of the query (by statistics of "
    "ANALYZE TABLE … FOR COLUMNS, else learned from a sample when it runs), or one for each group "
    "of rows. A model may answer differently when fields change places.",
)  # fmt: skip
for _rule, _meaning in {
    "cheapPredicatesFirst": "Filter by predicates without a model call before those with one.",
    "learnedPredicateOrder": "Ask the calls of several predicates in one pass, each only about "
    "the rows that those before it let pass, in an order learned from their tokens and answers.",
    "predicatesInTurn": "Of several predicates with model calls, ask each only about the rows that "
    "the ones before it let pass.",
    "guards": "Don't ask about rows for which a CASE, IF, COALESCE, AND or OR needs no answer.",
    "limitFirst": "Take the first rows of a LIMIT before asking about them.",
    "limitStopsAsking": "Ask about few rows at first where a LIMIT above a predicate may have "
    "enough of them, and about more only when it hasn't.",
    "topRowsFirst": "Take the first rows of an ORDER BY … LIMIT that needs no answer before asking "
    "about them.",
    "dropInferredCalls": "Ask only one side of a join about columns that it makes equal.",
    "selectiveJoinsFirst": "Join before asking about rows of one side, where a join leaves some "
    "out: semi and anti joins, INTERSECT, EXCEPT, and inner joins with a side that was filtered.",
    "groupsFirst": "Group before predicates on the groups' columns ask, once for each group.",
    "distinctInputsFirst": "Where only distinct answers are wanted, ask about distinct rows.",
    "unionFirst": "Put the branches of a UNION ALL together before asking what all of them ask.",
    "fanOutLast": "Ask about rows of one side of a join before the join repeats them.",
    "prefixExchange": "Bring rows of large inputs whose prompts begin alike to the same task, so "
    "that equal ones are asked once in the whole query.",
}.items():
    _declare(BOOLEAN, f"optimizer.{_rule}.enabled", "true", "session", _meaning)
_declare(
    BOOLEAN, "optimizer.fuse.enabled", "false", "session",
    "Let calls of one query on the same columns share one pass over a row's text, where that saves "
    "tokens: the row stands before the instructions. A model may answer otherwise then, so what it "
    "says to a call may depend on the other calls of the query.",
)  # fmt: skip
_declare(
    COUNT, "optimizer.prefixExchange.minRows", "10000", "session",
    "Inputs that Spark estimates to have fewer rows are not exchanged.",
)  # fmt: skip
_declare(
    COUNT, "optimizer.prefixExchange.partitions", "0", "session",
    "Partitions of exchanged inputs. 0: two for each engine, if its executor has so many cores.",
)  # fmt: skip
TASKS_PATH = _declare(
    TEXT, "tasks.path", "", "session",
    "Folder on the driver's machine whose `.yaml` files are tasks, each usable by its name "
    "(docs/tasks.md).",
)  # fmt: skip
PYTHON_VERSION = _declare(
    TEXT, "python.version", "", "startup",
    "Version of the Python that runs Spark's workers, such as 3.11, where that Python is not on "
    "the driver's machine. Empty: it is asked.",
)  # fmt: skip
PROGRESS_ENABLED = _declare(
    BOOLEAN, "progress.enabled", "true", "session",
    "Show rows, calls and tokens of long queries while they run: on a terminal or in a notebook, "
    "else as one line a minute. Usage is counted in any case.",
)  # fmt: skip
BUDGET_CALLS = _declare(
    COUNT, "budget.calls", "0", "session",
    "Most calls of the model that a query may make, on all executors together. What is left then "
    "has the error BUDGET. 0: any number.",
)  # fmt: skip
BUDGET_TOKENS = _declare(
    COUNT, "budget.tokens", "0", "session",
    "Most tokens of prompts and answers that a query's calls may have. Calls that are under way "
    "when they are spent end, and may take it a little above. 0: any number.",
)  # fmt: skip
BUDGET_SECONDS = _declare(
    DURATION, "budget.seconds", "0", "session",
    "How long after its first call a query may begin new ones. 0: for ever.",
)  # fmt: skip
BUDGET_MONEY = _declare(
    NUMBER, "budget.money", "0", "session",
    "As `budget.tokens`, in money by the price list. 0: any amount.",
)  # fmt: skip
PRICE_INPUT = _declare(
    NUMBER, "price.input", "0", "session",
    "Money for a million tokens of prompts, in any currency.",
)  # fmt: skip
PRICE_CACHED = _declare(
    PERHAPS_NUMBER, "price.cached", "", "session",
    "Money for a million tokens of prompts that the prefix cache served. Empty: as "
    "`price.input`.",
)  # fmt: skip
PRICE_OUTPUT = _declare(
    NUMBER, "price.output", "0", "session",
    "Money for a million tokens of answers.",
)  # fmt: skip
STORE_MEMORY_BYTES = _declare(
    BYTES, "store.memoryBytes", "256m", "startup",
    "Memory of each executor's engine process for answers of deterministic calls, so that no input "
    "is asked twice. 0: off.",
)  # fmt: skip
STORE_PATH = _declare(
    TEXT, "store.path", "", "startup",
    "Where answers of deterministic calls are kept for other executors, later queries and other "
    "applications: a directory, or a URI of a filesystem that pyarrow opens (`s3://…`, "
    "`hdfs://…`). Empty: in memory only. See docs/store.md.",
)  # fmt: skip
STORE_MAX_BYTES = _declare(
    BYTES, "store.maxBytes", "0", "startup",
    "Bytes of answers kept at `store.path`; the oldest go first. 0: any number.",
)  # fmt: skip
STORE_MAX_AGE = _declare(
    DURATION, "store.maxAge", "0", "startup",
    "How long an answer at `store.path` may be used. 0: for ever.",
)  # fmt: skip
USAGE_ADDRESS = _declare(
    TEXT, "usage.address", "", "startup",
    "Where workers report usage to. Set by `sparkllm.configure`.",
)  # fmt: skip
USAGE_TOKEN = _declare(
    TEXT, "usage.token", "", "startup",
    "What workers show to be heard at that address. Set by `sparkllm.configure`.",
)  # fmt: skip


def declared() -> tuple[Key[Any], ...]:
    """Return all keys in order of their names."""
    return tuple(_KEYS[name] for name in sorted(_KEYS))


def check(properties: Mapping[str, str]) -> None:
    """Check every `spark.sparkllm.` property of a mapping.

    Raises:
        ConfigurationError: a key is not declared, or its value is not of its type.
    """
    for name in _ours(properties):
        if name.startswith(_REGISTERED_TASKS):
            continue
        if name not in _KEYS:
            near = difflib.get_close_matches(name, _KEYS, n=1)
            hint = f"did you mean {near[0]}?" if near else "see docs/configuration.md"
            raise ConfigurationError(f"unknown configuration key {name}: {hint}")
        _KEYS[name].value(properties.get)


def _ours(names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(PREFIX)]


def document() -> str:
    """Return `docs/configuration.md`."""
    lines = [
        "# Configuration",
        "",
        "Made by `make docs` from `sparkllm/configuration.py`; edit that file.",
        "",
        "Set keys with `sparkllm.session(config={...})`, on a session builder, with",
        "`spark-submit --conf`, or, where the scope is *session*, with `SET` between queries.",
        "*startup* keys are fixed once the first query has started an engine. Options given to a",
        "function override configuration. Bytes are written like `256m` or `1g`, durations like",
        "`500ms`, `30s`, `10min` or `1h`.",
        "",
        "| key | default | type | scope | meaning |",
        "|---|---|---|---|---|",
    ]
    for key in declared():
        default = f"`{key.default}`" if key.default else "(empty)"
        lines.append(
            f"| `{key.name}` | {default} | {key.kind.name} | {key.scope} | {key.meaning} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    import sys

    sys.stdout.write(document())
