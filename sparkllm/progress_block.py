"""Progress of what a block of the driver's program runs."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

from sparkllm import configuration
from sparkllm.accounting import UsageUnavailableError, usage
from sparkllm.ledger import Ledger
from sparkllm.progress_display import show
from sparkllm.work_since import WorkSince

_POLL_SECONDS = 0.1


@contextmanager
def progress(spark: SparkSession, rows: int | None = None) -> Iterator[None]:
    """Show, while the block runs, how many rows are done and what they cost.

    Long queries are shown without being asked to (see `docs/budgets.md`); a block is shown from its
    beginning, as one whole.

    Beside rows and calls there are the tokens a second that calls have taken since the block was
    entered, the share of their prompt tokens that the prefix cache served, the share of answers
    that came from the store, and errors; where it is known how many rows there are, also the time
    left at the rate so far.

    On a terminal it is a bar on standard error, in a notebook one below the cell; elsewhere one
    line a minute; where usage can't be had (see `usage`), one line that says so. With
    `spark.sparkllm.progress.enabled=false` it is nothing.

    Args:
        spark: the session whose queries run in the block.
        rows: how many rows the block's queries pass through `llm`, if you know better than they.
    """
    if not configuration.PROGRESS_ENABLED.value(lambda name: spark.conf.get(name, None)):
        yield
        return
    try:
        ledger = usage(spark)
    except UsageUnavailableError as error:
        sys.stderr.write(f"llm: no progress is shown: {error}\n")
        yield
        return
    ended = threading.Event()
    arguments = (ledger, WorkSince(ledger, rows), ended)
    thread = threading.Thread(target=_show, args=arguments, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _show(ledger: Ledger, work: WorkSince, ended: threading.Event) -> None:
    while not ledger.display.acquire(timeout=_POLL_SECONDS):
        if ended.is_set():
            return
    try:
        show(work, ended)
    finally:
        ledger.display.release()
