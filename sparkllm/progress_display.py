"""How progress is shown: a bar on a terminal or in a notebook, elsewhere a line now and then."""

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from sparkllm.work_since import WorkSince

_TERMINAL_EVERY = 0.2  # seconds
_NOTEBOOK_EVERY = 1.0  # seconds
_LOG_EVERY = 60.0  # seconds


class End(Protocol):
    """What tells when there is nothing to show any more; `threading.Event` is one."""

    def wait(self, timeout: float) -> bool:
        """Wait for the end, at most for `timeout` seconds; return whether it has come."""


def show(work: WorkSince, end: End) -> None:
    """Show how work goes until the end, once more at the end, and leave it there."""
    console = _console()
    if console.is_jupyter:
        _show_in_notebook(work, end)
    elif console.is_terminal:
        _show_bar(work, end, console)
    else:
        _show_lines(work, end)


def is_on_terminal() -> bool:
    """Whether `show` would draw on a terminal."""
    console = _console()
    return console.is_terminal and not console.is_jupyter


def _console() -> Console:
    """Return standard error, or the terminal itself under spark-submit, which pipes our output."""
    console = Console(stderr=True)
    if not console.is_terminal and "PYSPARK_GATEWAY_PORT" in os.environ:
        with suppress(OSError):  # there is no terminal
            terminal = Path("/dev/tty").open("w")  # noqa: SIM115 -- the console's, until the end
            width = os.get_terminal_size(terminal.fileno()).columns
            return Console(file=terminal, force_terminal=True, width=width or None)
    return console


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


def _show_bar(work: WorkSince, end: End, console: Console) -> None:
    columns = [SpinnerColumn(), TextColumn("llm"), BarColumn(bar_width=None), _RowsColumn()]
    columns += [TimeElapsedColumn(), TextColumn("{task.fields[left]}")]
    with _Bar(*columns, console=console, expand=True) as bar:
        task = bar.add_task("llm", total=None, left="")
        while True:
            last = end.wait(_TERMINAL_EVERY)
            bar.cost = work.cost
            done, of = work.rows()
            bar.update(task, completed=done, total=of, left=work.left and f"left {work.left}")
            if last:
                return


def _show_in_notebook(work: WorkSince, end: End) -> None:
    """Show it below the cell that runs."""
    from IPython.display import display

    shown = display(_for_notebook(work), raw=True, display_id=True)
    while True:
        last = end.wait(_NOTEBOOK_EVERY)
        shown.update(_for_notebook(work), raw=True)
        if last:
            return


def _for_notebook(work: WorkSince) -> dict[str, str]:
    done, of = work.rows()
    bar = f'<progress max="{of}" value="{done}"></progress> ' if of else ""
    return {"text/plain": _line(work), "text/html": f"<code>{bar}{_line(work)}</code>"}


def _show_lines(work: WorkSince, end: End) -> None:
    while not end.wait(_LOG_EVERY):
        sys.stderr.write(f"{_line(work)}\n")


def _line(work: WorkSince) -> str:
    done, of = work.rows()
    of_all = f" of {of:,}" if of else ""
    left = f", {work.left} left" if work.left else ""
    return f"llm: {done:,}{of_all} rows, {done / work.seconds:,.0f} rows/s, {work.cost}{left}"
