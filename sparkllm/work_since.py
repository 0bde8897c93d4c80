"""What the queries of a ledger have done since some moment."""

import time
from datetime import timedelta

from sparkllm.ledger import Ledger


class WorkSince:
    """What has been done since this was made.

    Args:
        ledger: of the session.
        rows: how many rows there are to do; None to take what the queries know of themselves.
    """

    def __init__(self, ledger: Ledger, rows: int | None = None) -> None:
        self._ledger = ledger
        self._rows = rows
        self._passes = ledger.passes_done()
        self._before = ledger.session
        self._began = time.monotonic()
        self._ended: float | None = None

    def rest(self, since: float | None) -> None:
        """Say that nothing is done any more since a moment of the monotonic clock, or again is."""
        self._ended = since

    @property
    def seconds(self) -> float:
        """How long it takes, or took."""
        return max((self._ended or time.monotonic()) - self._began, 1e-3)

    def rows(self) -> tuple[int, int | None]:
        """Return how many rows are done, and of how many if that is known.

        A row that goes through several passes of its query counts once.
        """
        queries: dict[str, tuple[int, int | None]] = {}
        for (query, calls), now in self._ledger.passes_done().items():
            before = self._passes.get((query, calls))
            done = now.rows - (before.rows if before else 0)
            if before and not done:
                continue
            most, known = queries.get(query, (0, 0))
            if now.of is None or known is None:
                queries[query] = max(most, done), None
            else:
                left = now.of - (before.rows if before else 0)
                queries[query] = max(most, done), max(known, left)
        done = sum(done for done, _ in queries.values())
        if self._rows is not None:
            return done, self._rows
        known_rows = [of for _, of in queries.values() if of is not None]
        return done, sum(known_rows) if known_rows and len(known_rows) == len(queries) else None

    @property
    def left(self) -> str:
        """The time left at the rate so far, empty if that is not known."""
        done, of = self.rows()
        if of is None or not 0 < done <= of:
            return ""
        return str(timedelta(seconds=round((of - done) * self.seconds / done)))

    @property
    def cost(self) -> str:
        """Calls, tokens a second, the shares of cache and store, errors."""
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
