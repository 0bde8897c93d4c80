"""The progress bar in a real terminal, one of 80 columns, and its lines where there is none."""

import fcntl
import os
import re
import struct
import subprocess
import sys
import termios
import time
from types import SimpleNamespace
from typing import Any

import pytest

import sparkllm
from sparkllm import progress_bar
from sparkllm.accounting import reporting
from sparkllm.ledger import Usage

_COLUMNS = 80
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


def _last_frame(rows: int | None, **environment: str) -> list[str]:
    """Run the program on a new terminal, and return the last lines that it left there."""
    ours, theirs = os.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, _COLUMNS, 0, 0))
    pipes = "2>/dev/null </dev/null" if environment else ""
    script = f': <>"$2"; "$0" -c "$1" {pipes}'  # opening it makes it this process's terminal
    process = subprocess.Popen(
        [
            "sh",
            "-c",
            script,
            sys.executable,
            _PROGRAM.replace("ROWS", str(rows)),
            os.ttyname(theirs),
        ],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm", **environment},
        start_new_session=True,
    )
    os.close(theirs)
    written = b""
    try:
        while chunk := os.read(ours, 1 << 16):
            written += chunk
    except OSError:  # how a terminal ends
        pass
    finally:
        os.close(ours)
        process.wait(timeout=60)
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written.decode())
    return [line.rpartition("\r")[2] for line in plain.rstrip().split("\r\n")[-2:]]


def _without_bar(line: str) -> str:
    return re.sub(r"[━╸╺]+", "━", line)


def test_a_terminal_of_80_columns_shows_every_number_whole() -> None:
    bar, cost = _last_frame(1_000_000)
    assert re.fullmatch(
        r".? *llm ━ 1,000,000/1,000,000 rows 0:00:\d\d left 0:00:00", _without_bar(bar)
    )
    assert len(bar) == _COLUMNS
    assert re.fullmatch(
        r"  980,000 calls, [\d,]+ tokens/s, 50% from cache, 2% from store, 120 errors", cost
    )
    assert len(cost) <= _COLUMNS


def test_under_spark_submit_it_is_shown_on_the_terminal_itself() -> None:
    bar, cost = _last_frame(None, PYSPARK_GATEWAY_PORT="1")
    assert re.fullmatch(r".? *llm ━ 1,000,000 rows 0:00:\d\d", _without_bar(bar))
    assert len(bar) == _COLUMNS
    assert "50% from cache" in cost


def test_without_a_terminal_it_is_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress_bar, "_LOG_EVERY", 0.05)
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
    monkeypatch.setattr(progress_bar, "_LOG_EVERY", 0.05)
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
    monkeypatch.setattr(progress_bar, "_LOG_EVERY", 0.05)
    session: Any = SimpleNamespace(conf={**reporting({}, "local"), "spark.app.id": "before"})
    sparkllm.usage(session).add("1", Usage(rows=10, calls=10))
    with sparkllm.progress(session):
        sparkllm.usage(session).add("2", Usage(rows=3, calls=2))
        time.sleep(0.3)
    assert "llm: 3 rows, " in capsys.readouterr().err
