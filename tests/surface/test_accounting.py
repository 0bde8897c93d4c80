"""Where the usage of a session is counted."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest

import sparkllm
from sparkllm.accounting import UsageUnavailableError, reporting
from sparkllm.configuration import USAGE_ADDRESS, USAGE_TOKEN
from sparkllm.ledger import Usage


class Configuration(dict[str, str]):
    """Has what `usage` asks of a session's configuration."""

    def set(self, name: str, value: str) -> None:
        self[name] = value


def _classic(**properties: str) -> Any:
    return SimpleNamespace(conf=Configuration(properties))


def _client_of(host: str) -> Any:
    kind = type("SparkSession", (), {"__module__": "pyspark.sql.connect.session"})
    session: Any = kind()
    session.conf = Configuration()
    session.client = SimpleNamespace(host=host)
    return session


@pytest.mark.parametrize("master", ["local[2]", "sc://localhost:15002", "sc://127.0.0.1/;token=t"])
def test_workers_on_this_machine_report_to_its_loopback_address(master: str) -> None:
    properties = reporting({}, master)
    assert properties[USAGE_ADDRESS.name].startswith("127.0.0.1:")
    assert properties[USAGE_TOKEN.name]


def test_workers_of_a_cluster_report_to_the_address_of_the_driver() -> None:
    properties = reporting({"spark.driver.host": "127.0.0.2"}, "spark://master:7077")
    assert properties[USAGE_ADDRESS.name].startswith("127.0.0.2:")


def test_workers_of_a_connect_server_elsewhere_report_nowhere() -> None:
    assert reporting({}, "sc://spark.example.org") == {}


def test_usage_of_a_connect_server_elsewhere_is_an_error_that_says_where_to_look() -> None:
    with pytest.raises(UsageUnavailableError, match=r"at spark\.example\.org .*Spark UI"):
        sparkllm.usage(_client_of("spark.example.org"))


def test_progress_on_a_connect_server_elsewhere_says_so_and_runs_the_block(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with sparkllm.progress(_client_of("spark.example.org")):
        ran = True
    assert ran
    assert "llm: no progress is shown: the workers of" in capsys.readouterr().err


@pytest.mark.parametrize(
    "session", [_classic(**{"spark.master": "local[2]"}), _client_of("localhost")]
)
def test_a_session_that_was_not_configured_is_counted_from_the_first_question_on(
    session: Any, caplog: pytest.LogCaptureFixture
) -> None:
    session.conf["spark.app.id"] = f"unconfigured {id(session)}"
    with caplog.at_level(logging.WARNING, "sparkllm"):
        ledger = sparkllm.usage(session)
    assert "counted from now on" in caplog.text
    assert session.conf[USAGE_ADDRESS.name].startswith("127.0.0.1:")
    ledger.add("1", Usage(rows=3))
    assert sparkllm.usage(session).last.rows == 3
    assert len(caplog.records) == 1
