"""Where the usage of a session is counted: which address its workers report to, and who asks."""

import logging
import os
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from pyspark.sql import SparkSession

from sparkllm import configuration
from sparkllm.ledger import Ledger
from sparkllm.listener import UsageListener, listener_at, usage_listener

_LOOPBACK = "127.0.0.1"
_LOG = logging.getLogger(__name__)


class UsageUnavailableError(RuntimeError):
    """Workers of this session can't report to this process; the message says where to look."""


def usage(spark: SparkSession) -> Ledger:
    """Return what calls have cost: `usage(spark).last` query, whole `usage(spark).session`.

    In SQL the view `sparkllm_usage` has the same numbers, a row for each pass of each query.
    A session that `configure` set up is counted from its start on, another one from the first call
    of this function on.

    Raises:
        UsageUnavailableError: the session is one of a Spark Connect server on another machine.
    """
    listener = listener_at(spark.conf.get(configuration.USAGE_ADDRESS.name, "") or "")
    if listener is None:
        listener = usage_listener(_host_for(spark))
        _LOG.warning("usage of this session is counted from now on: sparkllm did not configure it")
        for name, value in _properties(listener).items():
            spark.conf.set(name, value)
    return listener.ledger(spark.conf.get("spark.app.id", "") or "")


def reporting(options: Mapping[str, str], master: str) -> dict[str, str]:
    """Return the properties that make workers report to this process.

    None for a Spark Connect server on another machine: its workers may have no way to this one.

    Args:
        options: properties of the session to come.
        master: Spark master, or the address of a Spark Connect server (`sc://…`).
    """
    if master.startswith("sc://"):
        if not _is_loopback(urlsplit(master).hostname or ""):
            return {}
        return _properties(usage_listener(_LOOPBACK))
    host = _LOOPBACK if master.startswith("local") else _own_address(options)
    return _properties(usage_listener(host))


def _properties(listener: UsageListener) -> dict[str, str]:
    return {
        configuration.USAGE_ADDRESS.name: listener.address,
        configuration.USAGE_TOKEN.name: listener.token,
    }


def _host_for(spark: SparkSession) -> str:
    if type(spark).__module__.startswith("pyspark.sql.connect"):
        server = spark.client.host
        if not _is_loopback(server):
            raise UsageUnavailableError(
                f"the workers of the Spark Connect server at {server} don't report usage to its "
                "clients: see the metrics of the query in that server's Spark UI"
            )
        return _LOOPBACK
    if (spark.conf.get("spark.master", "") or "").startswith("local"):
        return _LOOPBACK
    return _own_address({"spark.driver.host": spark.conf.get("spark.driver.host", "") or ""})


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def _own_address(options: Mapping[str, str]) -> str:
    named = options.get("spark.driver.host") or os.environ.get("SPARK_LOCAL_IP")
    if named:
        return named
    try:
        return socket.gethostbyname(socket.gethostname())
    except OSError:
        return _LOOPBACK
