"""What workers report arrives at the driver, and only what workers report."""

import socket

import pyarrow as pa
import pytest

from sparkllm.ledger import Ledger, PassDone, Usage
from sparkllm.listener import UsageListener
from sparkllm.worker.reporting import Reporter
from sparkllm.worker.settings import WorkerSettings, engine_settings
from sparkllm_engine import EngineConfig, Request
from sparkllm_engine.server.budget import Limits, Prices
from sparkllm_engine.server.metering import BudgetTerms, MeteredEngine
from sparkllm_optimizer import PlanOptions
from tests.client.scenery import eventually
from tests.engines import DigestEngine


@pytest.fixture
def listener() -> UsageListener:
    return UsageListener("127.0.0.1")


def _settings(listener: UsageListener, query: str = "7", token: str = "") -> WorkerSettings:
    return WorkerSettings(
        engine=engine_settings({}.get),
        embedding_model="",
        window_rows=10,
        plan=PlanOptions(),
        usage_address=listener.address,
        usage_token=token or listener.token,
        application="app",
        query=query,
    )


def test_reports_are_counted_once_the_reporter_is_closed(listener: UsageListener) -> None:
    for query in ("1", "2"):
        with Reporter(_settings(listener, query)) as reporter:
            reporter.window(Usage(rows=10, calls=4, errors={"OVERFLOW": 1}))
            reporter.under_way(3)
            reporter.window(Usage(rows=5, calls=5, errors={"OVERFLOW": 2}))
    ledger = listener.ledger("app")
    assert ledger.last == Usage(rows=15, calls=9, errors={"OVERFLOW": 3})
    assert ledger.session.rows == 30


def test_rows_under_way_show_as_done_until_their_task_ends() -> None:
    ledger = Ledger()
    ledger.task_began("a", "1", "", 20)
    ledger.add("1", Usage(rows=10), task="a")
    ledger.under_way("a", 4, "1")
    assert ledger.passes_done() == {("1", ""): PassDone(14, 20)}
    assert ledger.session.rows == 10
    ledger.task_ended("a")
    assert ledger.passes_done() == {("1", ""): PassDone(10, 20)}


def test_a_task_is_at_work_while_its_reporter_is_open(listener: UsageListener) -> None:
    ledger = listener.ledger("app")
    with Reporter(_settings(listener), "classify(review)", known_rows=30):
        assert eventually(lambda: ledger.tasks == 1)
        assert ledger.passes_done() == {("7", "classify(review)"): PassDone(0, 30)}
    assert ledger.tasks == 0


def test_applications_have_ledgers_of_their_own(listener: UsageListener) -> None:
    with Reporter(_settings(listener)) as reporter:
        reporter.window(Usage(rows=1))
    assert listener.ledger("another").session == Usage()


def test_a_wrong_token_is_not_heard(listener: UsageListener) -> None:
    with Reporter(_settings(listener, token="guess")) as reporter:
        reporter.window(Usage(rows=1))
    assert listener.ledger("app").session == Usage()


def test_two_executors_share_the_budget_that_the_driver_keeps(listener: UsageListener) -> None:
    terms = BudgetTerms("7", Limits(calls=30), Prices(), listener.address, listener.token, "app")
    engines = [MeteredEngine(DigestEngine(EngineConfig("none"))) for _ in range(2)]
    accounts = [engine.account(terms) for engine in engines]
    for engine, account in zip(engines, accounts, strict=True):
        account.own(range(25))
        for number in range(25):
            engine.add(Request(number, ("row",)))
    results = []
    while any(engine.has_unfinished for engine in engines):
        for engine in engines:
            results += engine.step()
    for engine, account in zip(engines, accounts, strict=True):
        engine.leave(account)
    assert len(results) == 50
    assert sum(result.error_code == "BUDGET" for result in results) == 20


def test_a_driver_that_is_gone_ends_the_budget(listener: UsageListener) -> None:
    terms = BudgetTerms("7", Limits(calls=30), Prices(), "127.0.0.1:1", listener.token, "app")
    engine = MeteredEngine(DigestEngine(EngineConfig("none")))
    account = engine.account(terms)
    account.own([1])
    engine.add(Request(1, ("row",)))
    (result,) = engine.step()
    assert result.error_code == "BUDGET"
    assert "can't be reached" in str(result.error_message)


def test_noise_on_the_port_does_no_harm(listener: UsageListener) -> None:
    host, port = listener.address.split(":")
    for noise in (b"\xff\xfe\n", f"{listener.token}\napp\n{{}}\nnot json\n".encode(), b""):
        with socket.create_connection((host, int(port)), 5) as connection:
            connection.sendall(noise)
    with Reporter(_settings(listener)) as reporter:
        reporter.window(Usage(rows=1))
    assert listener.ledger("app").session.rows == 1


def test_a_driver_that_is_gone_costs_no_error(listener: UsageListener) -> None:
    settings = _settings(listener)
    listener.server_close()
    listener.shutdown()
    with Reporter(settings) as reporter:
        reporter.window(Usage(rows=1))


def test_usage_reads_as_one_line() -> None:
    usage = Usage(rows=1200, calls=3, prompt_tokens=5000, errors={"OVERFLOW": 2})
    assert str(usage) == (
        "1,200 rows · 3 distinct prompts · 5,000 prompt tokens · 0 tokens from cache · "
        "0 output tokens · 2 errors (OVERFLOW 2)"
    )


def test_row_errors_are_logged_with_their_reason_but_not_a_million_times(
    listener: UsageListener, caplog: pytest.LogCaptureFixture
) -> None:
    failed = {"error_code": "OVERFLOW", "error_message": "it has 3000 tokens"}
    fine = {"error_code": None, "error_message": None}
    with Reporter(_settings(listener)) as reporter:
        reporter.errors(pa.Table.from_pylist([failed] * 40 + [fine]))
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == "OVERFLOW: it has 3000 tokens (the row's answer is NULL)"
    assert len(lines) == 6
    assert lines[-1].startswith("40 inputs ended in OVERFLOW")
