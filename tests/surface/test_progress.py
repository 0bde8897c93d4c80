"""Progress in a real terminal, one of 80 columns, in a notebook, and as lines elsewhere."""

import re
import time
from types import SimpleNamespace
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

import sparkllm
from sparkllm import automatic_progress, progress_display
from sparkllm.accounting import reporting
from sparkllm.configuration import USAGE_ADDRESS
from sparkllm.ledger import Usage
from sparkllm.listener import UsageListener, listener_at
from sparkllm.worker.reporting import Reporter
from sparkllm.worker.settings import WorkerSettings, engine_settings
from sparkllm_optimizer import PlanOptions
from tests.terminal import COLUMNS, on_terminal, without_bar

_PROGRAM = """
from types import SimpleNamespace
import sparkllm
from sparkllm.accounting import reporting
from sparkllm.ledger import Usage

session = SimpleNamespace(conf=reporting({}, "local"))
ledger = sparkllm.usage(session)
cost = Usage(
    rows=500_000, calls=490_000, stored=10_000, prompt_tokens=110_000, cached_tokens=55_000,
    output_tokens=490_000, errors={"OVERFLOW": 60},
)
with sparkllm.progress(session, ROWS):
    ledger.add("1", cost)
    ledger.add("1", cost)
"""

# Two tasks of one query, which ask for no progress; and one too short to be shown.
_TASKS = """
import time
from sparkllm import automatic_progress
from sparkllm.ledger import Usage
from sparkllm.listener import usage_listener
from sparkllm.worker.reporting import Reporter
from tests.surface.test_progress import worker_settings

listener = usage_listener("127.0.0.1")
with Reporter(worker_settings(listener, "1"), "short", 5) as short:
    short.window(Usage(rows=5, calls=5))
time.sleep(1.5)
automatic_progress._SHOW_AFTER = 0.3
with Reporter(worker_settings(listener, "2", SHOWN), "classify(x)", 1000) as one:
    with Reporter(worker_settings(listener, "2", SHOWN), "classify(x)", 1000) as other:
        one.window(Usage(rows=300, calls=280, stored=20, prompt_tokens=900, cached_tokens=450))
        other.under_way(200)
        time.sleep(1.5)
        other.window(Usage(rows=700, calls=700, errors={"OVERFLOW": 3}))
time.sleep(2)
"""


def worker_settings(listener: UsageListener, query: str, shown: bool = True) -> WorkerSettings:
    """Return settings of a task that reports to the listener."""
    return WorkerSettings(
        engine=engine_settings({}.get),
        embedding_model="",
        window_rows=10,
        plan=PlanOptions(),
        usage_address=listener.address,
        usage_token=listener.token,
        application="app",
        query=query,
        shown=shown,
    )


def _last_frame(rows: int | None, **environment: str) -> list[str]:
    """Return the last lines that the block leaves on a terminal."""
    written = on_terminal(_PROGRAM.replace("ROWS", str(rows)), **environment)
    return [line.rpartition("\r")[2] for line in written.rstrip().split("\r\n")[-2:]]


def test_a_terminal_of_80_columns_shows_every_number_whole() -> None:
    bar, cost = _last_frame(1_000_000)
    assert re.fullmatch(
        r".? *llm ━ 1,000,000/1,000,000 rows 0:00:\d\d left 0:00:00", without_bar(bar)
    )
    assert len(bar) == COLUMNS
    assert re.fullmatch(
        r"  980,000 calls, [\d,]+ tokens/s, 50% from cache, 2% from store, 120 errors", cost
    )
    assert len(cost) <= COLUMNS


def test_under_spark_submit_it_is_shown_on_the_terminal_itself() -> None:
    bar, cost = _last_frame(None, PYSPARK_GATEWAY_PORT="1")
    assert re.fullmatch(r".? *llm ━ 1,000,000 rows 0:00:\d\d *", without_bar(bar))
    assert COLUMNS - 1 <= len(bar) <= COLUMNS
    assert "50% from cache" in cost


def test_a_notebook_shows_it_below_the_cell() -> None:
    manager, client = start_new_kernel(kernel_name="python3")
    shown: list[dict[str, Any]] = []

    def take(message: dict[str, Any]) -> None:
        if message["msg_type"] in ("display_data", "update_display_data"):
            shown.append(message["content"])

    try:
        client.execute_interactive(
            _PROGRAM.replace("ROWS", "2_000_000"), timeout=60, output_hook=take
        )
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert len({content["transient"]["display_id"] for content in shown}) == 1
    last = shown[-1]["data"]
    assert last["text/plain"].startswith("llm: 1,000,000 of 2,000,000 rows, ")
    assert "980,000 calls" in last["text/plain"]
    assert '<progress max="2000000" value="1000000">' in last["text/html"]


def test_a_long_query_is_shown_without_being_asked_to() -> None:
    written = without_bar(on_terminal(_TASKS.replace("SHOWN", "True")))
    half = r"llm ━ +500/1,000 rows 0:00:\d\d left 0:00:\d\d\s+280 calls, [\d,]+ tokens/s, "
    assert re.search(half + "50% from cache, 7% from store", written), written
    whole = r"llm ━ 1,000/1,000 rows 0:00:\d\d left 0:00:00\s+980 calls, .*, 3 errors\s*$"
    assert re.search(whole, written), written
    assert "5/5" not in written


def test_a_session_that_does_not_want_it_is_not_shown() -> None:
    assert on_terminal(_TASKS.replace("SHOWN", "False")).strip() == ""


def test_a_block_takes_the_place_of_what_is_shown_without_being_asked_to(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress_display, "_LOG_EVERY", 0.3)
    monkeypatch.setattr(automatic_progress, "_SHOW_AFTER", 0.0)
    session: Any = SimpleNamespace(conf={**reporting({}, "local"), "spark.app.id": "app"})
    listener = listener_at(session.conf[USAGE_ADDRESS.name])
    assert listener is not None
    with sparkllm.progress(session, rows=77), Reporter(worker_settings(listener, "1"), "", 10):
        time.sleep(1.0)
    time.sleep(1.0)  # in which the query's own would still be shown
    lines = capsys.readouterr().err.splitlines()
    assert lines and all("llm: 0 of 77 rows" in line for line in lines)


def test_without_a_terminal_it_is_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress_display, "_LOG_EVERY", 0.05)
    session: Any = SimpleNamespace(conf={**reporting({}, "local"), "spark.app.id": "lines"})
    with sparkllm.progress(session, rows=20):
        sparkllm.usage(session).add("1", Usage(rows=10, calls=9))
        time.sleep(0.3)
    lines = capsys.readouterr().err.splitlines()
    assert lines
    assert re.fullmatch(
        r"llm: 10 of 20 rows, \d+ rows/s, 9 calls, 0 tokens/s, 0:00:\d\d left", lines[0]
    )


def test_one_key_turns_it_off(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress_display, "_LOG_EVERY", 0.05)
    off = {"spark.sparkllm.progress.enabled": "false"}
    session: Any = SimpleNamespace(conf={**reporting({}, "local"), "spark.app.id": "off", **off})
    with sparkllm.progress(session, rows=20):
        sparkllm.usage(session).add("1", Usage(rows=10, calls=9))
        time.sleep(0.3)
    assert capsys.readouterr().err == ""
    assert sparkllm.usage(session).last.rows == 10


def test_rows_before_the_block_are_not_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress_display, "_LOG_EVERY", 0.05)
    session: Any = SimpleNamespace(conf={**reporting({}, "local"), "spark.app.id": "before"})
    sparkllm.usage(session).add("1", Usage(rows=10, calls=10))
    with sparkllm.progress(session):
        sparkllm.usage(session).add("2", Usage(rows=3, calls=2))
        time.sleep(0.3)
    assert "llm: 3 rows, " in capsys.readouterr().err
