"""A progress bar on the driver for queries that call the model."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pyspark.sql import SparkSession
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from sparkllm.ledger import Ledger, Usage
from sparkllm.sessions import usage

_TERMINAL_EVERY = 0.2  # seconds
_LOG_EVERY = 60.0  # seconds


@contextmanager
def progress(spark: SparkSession, rows: int | None = None) -> Iterator[None]:
    """Show, while the block runs, how many rows are done and what they cost.

    On a terminal it is a bar on standard error; elsewhere one line a minute.

    Args:
        spark: the session whose queries run in the block.
        rows: how many rows the block's queries pass through `llm`, if known.
    """
    ledger = usage(spark)
    console = _console()
    ended = threading.Event()
    show = _bar if console.is_terminal else _lines
    thread = threading.Thread(target=show, args=(ledger, rows, ended, console), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _console() -> Console:
    """Return standard error, or the terminal itself under spark-submit, which pipes our output."""
    console = Console(stderr=True)
    if not console.is_terminal and "PYSPARK_GATEWAY_PORT" in os.environ:
        with suppress(OSError):  # there is no terminal
            return Console(file=Path("/dev/tty").open("w"), force_terminal=True)
    return console


def _bar(ledger: Ledger, rows: int | None, ended: threading.Event, console: Console) -> None:
    columns = (
        SpinnerColumn(),
        TextColumn("llm"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("rows"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[cost]}"),
    )
    first, before = ledger.rows_done, ledger.session
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("llm", total=rows, cost="")
        while True:
            last = ended.wait(_TERMINAL_EVERY)
            cost = _cost(ledger.session, before)
            bar.update(task, completed=ledger.rows_done - first, cost=cost)
            if last:
                return


def _lines(ledger: Ledger, rows: int | None, ended: threading.Event, console: Console) -> None:
    first, before, started = ledger.rows_done, ledger.session, time.monotonic()
    of_all = f" of {rows:,}" if rows else ""
    while not ended.wait(_LOG_EVERY):
        done = ledger.rows_done - first
        rate = done / (time.monotonic() - started)
        cost = _cost(ledger.session, before)
        sys.stderr.write(f"llm: {done:,}{of_all} rows, {rate:,.0f} rows/s, {cost}\n")


def _cost(now: Usage, before: Usage) -> str:
    prompt = now.prompt_tokens - before.prompt_tokens
    cached = now.cached_tokens - before.cached_tokens
    calls = now.calls - before.calls
    share = f", {cached / prompt:.0%} from cache" if prompt else ""
    return f"{calls:,} calls, {prompt:,} prompt tokens{share}"
