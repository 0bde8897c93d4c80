"""Setting up a Spark session that knows `llm`."""

import logging
import os
import sys
import warnings
from collections.abc import Mapping
from typing import Any

from pyspark.sql import SparkSession

from sparkllm import catalyst, configuration
from sparkllm.accounting import reporting
from sparkllm.catalyst import CatalystError
from sparkllm.functions import SIGNATURES
from sparkllm.java import require_java
from sparkllm.progress_display import is_on_terminal
from sparkllm.tasks import task_named
from sparkllm.usage_view import create_usage_view
from sparkllm.worker.registered import Form, registered

_LOG = logging.getLogger(__name__)
_SPARKS_BAR = "spark.ui.showConsoleProgress"
_PLAIN_TYPES = {
    "text": "string",
    "labels": "string",
    "aspects": "string",
    "boolean": "boolean",
    "probability": "double",
    "tokens": "int",
}


def session(
    master: str | None = None,
    *,
    app_name: str = "sparkllm",
    model: str | None = None,
    config: Mapping[str, Any] | None = None,
) -> SparkSession:
    """Return a Spark session in which `llm(...)` works, in SQL and in the DataFrame API.

    Args:
        master: Spark master, such as "local[2]", or the address of a Spark Connect server,
            "sc://host". None leaves it to spark-submit or Spark's default.
        app_name: the application's name in the Spark UI.
        model: Hugging Face id or local path; None uses the small model that ships with sparkllm.
        config: further properties, `spark.sparkllm.…` and any other of Spark.

    Raises:
        ConfigurationError: a `spark.sparkllm.` property is unknown or not of its type.
        JavaNotFoundError: there is no Java, or it is too old for Spark.
    """
    builder = SparkSession.builder.appName(app_name)
    if master is not None:
        is_server = master.startswith("sc://")
        builder = builder.remote(master) if is_server else builder.master(master)
    for name, value in (config or {}).items():
        builder = builder.config(name, value)
    if model is not None:
        builder = builder.config(configuration.MODEL.name, model)
    spark = configure(builder).getOrCreate()
    configuration.check(spark.conf.getAll)
    if not spark.conf.get(configuration.MODEL.name, ""):
        _LOG.warning(
            "%s is not set: using the small model for sentiment that ships with sparkllm",
            configuration.MODEL.name,
        )
    if not catalyst.is_active(spark):
        _add_to_running(spark)
    create_usage_view(spark)
    return spark


def configure(builder: SparkSession.Builder) -> SparkSession.Builder:
    """Set on a session builder what sparkllm needs, and return the builder.

    A builder for a Spark Connect server that runs already (`sc://…`) loads no extension: that
    server has to be started with it, see `sparkllm conf`.

    Raises:
        ConfigurationError: a `spark.sparkllm.` property is unknown or not of its type.
        JavaNotFoundError: there is no Java, or it is too old for Spark.
    """
    options = {name: str(value) for name, value in builder._options.items()}
    configuration.check(options)
    master = options.get("spark.remote") or os.environ.get("SPARK_REMOTE", "")
    if not master.startswith("sc://"):
        require_java()
        try:
            catalyst.activate(builder)
        except CatalystError as error:
            _LOG.warning("%s; call sparkllm.register(spark) for llm as a plain UDF", error)
        if master:
            _silence_repeated_properties()
        given = catalyst.existing(options)
        _leave_terminal_to_our_bar(builder, given)
        master = master or given.get("spark.master", "local[*]")
        if master.startswith("local") and "spark.pyspark.python" not in options:
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    return builder.config(map={**reporting(options, master)})


def register(spark: SparkSession) -> None:
    """Register `llm` and its siblings as plain UDFs, for sessions without the Catalyst extension.

    Such functions take no named arguments (a map of options as last argument does the same) and
    do not know the names of their columns, unless they come in a struct. `llm_extract`, whose type
    depends on its options, is not among them.
    """
    for name, function in plain_functions().items():
        spark.udf.register(name, function)
    _LOG.warning(
        "llm is a plain UDF in this session: calls are optimised within a window of rows only, and "
        "options go into a map as last argument (named ones would be taken for columns)"
    )


def _silence_repeated_properties() -> None:
    """Keep Spark from warning about properties that a local Connect server has taken already.

    PySpark sets all properties of a builder once more in the session, where these can't be set.
    """
    warnings.filterwarnings("ignore", r"Failed to set spark\.(sql\.extensions|jars) ")


def _leave_terminal_to_our_bar(builder: SparkSession.Builder, given: Mapping[str, str]) -> None:
    """Turn off Spark's own bar of stages, which would be drawn over ours, unless it is wanted."""
    wanted = configuration.PROGRESS_ENABLED.value(given.get)
    if wanted and _SPARKS_BAR not in given and is_on_terminal():
        builder.config(_SPARKS_BAR, "false")


def _add_to_running(spark: SparkSession) -> None:
    try:
        catalyst.attach(spark)
    except CatalystError as error:
        _LOG.warning("%s", error)
        register(spark)


def plain_functions() -> dict[str, Any]:
    """Return what `register` registers: `llm`, and its siblings with answers of a fixed type."""
    functions = {"llm": _plain_udf(Form(), "string")}
    for signature in SIGNATURES:
        task = task_named(signature.task)
        if task is not None and task.answer in _PLAIN_TYPES and not task.reduces:
            form = Form(task.name, signature.positional, signature.instructed)
            functions[signature.name] = _plain_udf(form, _PLAIN_TYPES[task.answer])
    return functions


def _plain_udf(form: Form, data_type: str) -> Any:
    from pyspark.sql.pandas import functions

    function = registered(form)
    if hasattr(functions, "arrow_udf"):
        return functions.arrow_udf(function, data_type)  # type: ignore[call-overload]
    return functions.pandas_udf(function, data_type, functions.PandasUDFType.SCALAR_ITER)
