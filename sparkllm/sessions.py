"""Setting up a Spark session that knows `llm`."""

import logging
import os
import socket
import sys
from collections.abc import Mapping
from typing import Any

from pyspark.sql import SparkSession

from sparkllm import catalyst, configuration
from sparkllm.catalyst import CatalystError
from sparkllm.java import require_java
from sparkllm.ledger import Ledger
from sparkllm.listener import usage_listener

_LOG = logging.getLogger(__name__)


def session(
    master: str | None = None,
    *,
    app_name: str = "sparkllm",
    model: str | None = None,
    config: Mapping[str, Any] | None = None,
) -> SparkSession:
    """Return a Spark session in which `llm(...)` works, in SQL and in the DataFrame API.

    Args:
        master: Spark master, such as "local[2]". None leaves it to spark-submit or Spark's default.
        app_name: the application's name in the Spark UI.
        model: Hugging Face id or local path; None uses the small model that ships with sparkllm.
        config: further properties, `spark.sparkllm.…` and any other of Spark.

    Raises:
        ConfigurationError: a `spark.sparkllm.` property is unknown or not of its type.
        JavaNotFoundError: there is no Java, or it is too old for Spark.
    """
    builder = SparkSession.builder.appName(app_name)
    if master is not None:
        builder = builder.master(master)
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
    return spark


def configure(builder: SparkSession.Builder) -> SparkSession.Builder:
    """Set on a session builder what sparkllm needs, and return the builder.

    A builder for a Spark Connect server elsewhere (`sc://…`) is only checked: that server has to be
    started with the extension, see `sparkllm conf`.

    Raises:
        ConfigurationError: a `spark.sparkllm.` property is unknown or not of its type.
        JavaNotFoundError: there is no Java, or it is too old for Spark.
    """
    options = {name: str(value) for name, value in builder._options.items()}
    configuration.check(options)
    if options.get("spark.remote", os.environ.get("SPARK_REMOTE", "")).startswith("sc://"):
        return builder
    require_java()
    master = options.get("spark.master", "")
    if master.startswith("local") and "spark.pyspark.python" not in options:
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    try:
        catalyst.activate(builder)
    except CatalystError as error:
        _LOG.warning("%s; call sparkllm.register(spark) for llm as a plain UDF", error)
    listener = usage_listener("127.0.0.1" if master.startswith("local") else _own_address(options))
    return builder.config(
        map={
            configuration.USAGE_ADDRESS.name: listener.address,
            configuration.USAGE_TOKEN.name: listener.token,
        }
    )


def register(spark: SparkSession) -> None:
    """Register `llm` as a plain UDF, for sessions without sparkllm's Catalyst extension.

    Such a function takes no named arguments (a map of options as last argument does the same) and
    does not know the names of its columns, unless they come in a struct.
    """
    spark.udf.register("llm", plain_udf())


def _add_to_running(spark: SparkSession) -> None:
    try:
        catalyst.attach(spark)
    except CatalystError as error:
        _LOG.warning("%s; llm is a plain UDF here, see sparkllm.register", error)
        register(spark)


def plain_udf() -> Any:
    """Return `llm` as a UDF that takes task, columns and perhaps a map of options."""
    from pyspark.sql.pandas import functions

    from sparkllm.worker.registered import registered_llm

    if hasattr(functions, "arrow_udf"):
        return functions.arrow_udf(registered_llm, "string")  # type: ignore[call-overload]
    return functions.pandas_udf(registered_llm, "string", functions.PandasUDFType.SCALAR_ITER)


def usage(spark: SparkSession) -> Ledger:
    """Return what calls have cost: `usage(spark).last` query, whole `usage(spark).session`."""
    host = (spark.conf.get(configuration.USAGE_ADDRESS.name, "") or "").rpartition(":")[0]
    return usage_listener(host or "127.0.0.1").ledger(spark.conf.get("spark.app.id") or "")


def _own_address(options: Mapping[str, str]) -> str:
    named = options.get("spark.driver.host") or os.environ.get("SPARK_LOCAL_IP")
    if named:
        return named
    try:
        return socket.gethostbyname(socket.gethostname())
    except OSError:
        return "127.0.0.1"
