"""A progress bar on the driver for queries that call the model."""

import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from pyspark.sql import SparkSession
from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from sparkllm import configuration
from sparkllm.accounting import UsageUnavailableError, usage
from sparkllm.ledger import Ledger

_TERMINAL_EVERY = 0.2  # seconds
_LOG_EVERY = 60.0  # seconds


@contextmanager
def progress(spark: SparkSession, rows: int | None = None) -> Iterator[None]:
    """Show, while the block runs, how many rows are done and what they cost.

    Beside rows and calls there are the tokens a second that calls have taken since the block was
    entered, the share of their prompt tokens that the prefix cache served, the share of answers
    that came from the store, and errors; with `rows`, also the time left at the rate so far.

    On a terminal it is a bar on standard error; elsewhere one line a minute; where usage can't be
    had (see `usage`), one line that says so. With `spark.sparkllm.progress.enabled=false` it is
    nothing.

    Args:
        spark: the session whose queries run in the block.
        rows: how many rows the block's queries pass through `llm`, if known.
    """
    if not configuration.PROGRESS_ENABLED.value(lambda name: spark.conf.get(name, None)):
        yield
        return
    try:
        block = _Block(usage(spark), rows)
    except UsageUnavailableError as error:
        sys.stderr.write(f"llm: no progress is shown: {error}\n")
        yield
        return
    console = _console()
    ended = threading.Event()
    show = _show_bar if console.is_terminal else _show_lines
    thread = threading.Thread(target=show, args=(block, ended, console), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


class _Block:
    """What has been done since the block was entered."""

    def __init__(self, ledger: Ledger, rows: int | None) -> None:
        self.rows = rows
        self._ledger = ledger
        self._first, self._before = ledger.rows_done, ledger.session
        self._entered = time.monotonic()

    @property
    def done(self) -> int:
        return self._ledger.rows_done - self._first

    @property
    def cost(self) -> str:
        now, before = self._ledger.session, self._before
        calls, stored = now.calls - before.calls, now.stored - before.stored
        prompt = now.prompt_tokens - before.prompt_tokens
        cached = now.cached_tokens - before.cached_tokens
        tokens = prompt + now.output_tokens - before.output_tokens
        errors = sum(now.errors.values()) - sum(before.errors.values())
        parts = [f"{calls:,} calls", f"{tokens / self.seconds:,.0f} tokens/s"]
        if prompt:
            parts.append(f"{cached / prompt:.0%} from cache")
        if stored:
            parts.append(f"{stored / (stored + calls):.0%} from store")
        if errors:
            parts.append(f"{errors:,} errors")
        return ", ".join(parts)

    @property
    def seconds(self) -> float:
        """How long ago the block was entered."""
        return max(time.monotonic() - self._entered, 1e-3)

    @property
    def left(self) -> str:
        """The time left at the rate so far, empty if that is not known."""
        done = self.done
        if self.rows is None or not 0 < done <= self.rows:
            return ""
        seconds = round((self.rows - done) * self.seconds / done)
        return f", {timedelta(seconds=seconds)} left"


class _RowsColumn(ProgressColumn):
    """Rows done, and of how many if that is known."""

    def render(self, task: Task) -> Text:
        of_all = "" if task.total is None else f"/{task.total:,.0f}"
        return Text(f"{task.completed:,.0f}{of_all} rows", no_wrap=True)


class _Bar(Progress):
    """A bar that takes the width that its numbers leave, and what the rows cost on a second line.

    On one line the numbers would not fit into a terminal of 80 columns.
    """

    cost = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        yield Text(f"  {self.cost}", no_wrap=True, overflow="ellipsis")


def _console() -> Console:
    """Return standard error, or the terminal itself under spark-submit, which pipes our output."""
    console = Console(stderr=True)
    if not console.is_terminal and "PYSPARK_GATEWAY_PORT" in os.environ:
        with suppress(OSError):  # there is no terminal
            terminal = Path("/dev/tty").open("w")  # noqa: SIM115 -- the console's, until the end
            width = os.get_terminal_size(terminal.fileno()).columns
            return Console(file=terminal, force_terminal=True, width=width or None)
    return console


def _show_bar(block: _Block, ended: threading.Event, console: Console) -> None:
    columns = [SpinnerColumn(), TextColumn("llm"), BarColumn(bar_width=None), _RowsColumn()]
    columns += [TimeElapsedColumn()]
    if block.rows is not None:
        columns += [TextColumn("left"), TimeRemainingColumn()]
    with _Bar(*columns, console=console, expand=True) as bar:
        task = bar.add_task("llm", total=block.rows)
        while True:
            last = ended.wait(_TERMINAL_EVERY)
            bar.cost = block.cost
            bar.update(task, completed=block.done)
            if last:
                return


def _show_lines(block: _Block, ended: threading.Event, _: Console) -> None:
    of_all = f" of {block.rows:,}" if block.rows else ""
    while not ended.wait(_LOG_EVERY):
        done = block.done
        rate = done / block.seconds
        sys.stderr.write(
            f"llm: {done:,}{of_all} rows, {rate:,.0f} rows/s, {block.cost}{block.left}\n"
        )
