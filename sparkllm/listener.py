"""The driver's ear: workers of any executor report usage here, one JSON line a message.

A connection opens with two lines, the token of this process and the id of the Spark application; a
connection without the token is closed unread. A worker that closes its side learns from ours
closing that all of it was counted. Engines ask here for calls of queries that have a budget, and
for requests to a service that has a rate; those questions are answered, one line each.

As a worker tells when its task begins, and is gone when it ends, progress is shown from here.
"""

import json
import secrets
import socketserver
import threading
from collections import defaultdict
from typing import Any

from sparkllm.automatic_progress import AutomaticProgress
from sparkllm.ledger import Ledger, Usage
from sparkllm_engine.remote.rate_limit import RateLimit, WindowLimiter
from sparkllm_engine.server.budget import Cost, Limits

_LONGEST_LINE = 1 << 16


class _Handler(socketserver.StreamRequestHandler):
    server: "UsageListener"

    def handle(self) -> None:
        task = object()
        if not secrets.compare_digest(self._line(), self.server.token.encode()):
            return
        application = self._line().decode()
        ledger = self.server.ledger(application)
        try:
            while line := self._line():
                message = json.loads(line)
                if "budget" in message:
                    self._grant(ledger, message, task)
                elif "rate" in message:
                    self._tell_rate(application, message["rate"])
                elif "passes" in message:
                    self._tell_passes(ledger)
                elif "begins" in message:
                    self._begin(ledger, message, task)
                elif "queries" in message:
                    self._tell([[usage.to_dict(), busy] for usage, busy in ledger.queries()])
                else:
                    _count(ledger, message, task)
        except (ValueError, KeyError, TypeError, OSError):
            return  # not one of ours; what it said is not counted
        finally:
            ledger.task_ended(task)
            ledger.abandon_budgets(task)

    def _grant(self, ledger: Ledger, message: dict[str, Any], engine: object) -> None:
        grant = ledger.ask_budget(
            str(message["budget"]),
            Limits(**message["limits"]),
            engine,
            int(message["wanted"]),
            Cost(**message["ended"]),
        )
        self._tell(grant.to_dict())

    def _begin(self, ledger: Ledger, message: dict[str, Any], task: object) -> None:
        known_rows, where = message["begins"]["of"], (str(message["query"]), str(message["calls"]))
        if message["begins"]["shown"]:
            self.server.progress.task_began(ledger, task, *where, known_rows)
        else:
            ledger.task_began(task, *where, known_rows)

    def _tell_rate(self, application: str, question: dict[str, Any]) -> None:
        limiter = self.server.limiter(application, RateLimit(**question["limit"]))
        answer = {"wait": limiter.ask(int(question["tokens"]))}
        self._tell(answer)

    def _tell_passes(self, ledger: Ledger) -> None:
        """Tell the usage of all queries, for the view `sparkllm_usage`."""
        passes = [[query, calls, usage.to_dict()] for query, calls, usage in ledger.passes()]
        self._tell(passes)

    def _tell(self, answer: Any) -> None:
        self.wfile.write(json.dumps(answer).encode() + b"\n")

    def _line(self) -> bytes:
        return self.rfile.readline(_LONGEST_LINE).rstrip(b"\n")


def _count(ledger: Ledger, message: dict[str, Any], task: object) -> None:
    if "preview" in message:
        ledger.show(str(message["preview"]), message["prompt"], task)
    elif "under_way" in message:
        where = str(message.get("query", "")), str(message.get("calls", ""))
        ledger.under_way(task, int(message["under_way"]), *where)
    else:
        calls = str(message.get("calls", ""))
        ledger.add(str(message["query"]), Usage(**message["usage"]), task, calls)


class UsageListener(socketserver.ThreadingTCPServer):
    """A listening thread that adds what workers report to their application's ledger."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, host: str) -> None:
        """Listen on a free port of `host`."""
        self._ledgers: defaultdict[str, Ledger] = defaultdict(Ledger)
        self._limiters: dict[tuple[str, RateLimit], WindowLimiter] = {}
        self.progress = AutomaticProgress()
        self.token = secrets.token_hex(16)
        super().__init__((host, 0), _Handler)
        threading.Thread(target=self.serve_forever, name="sparkllm-usage", daemon=True).start()

    def ledger(self, application: str) -> Ledger:
        """Return the ledger of a Spark application, by its id."""
        return self._ledgers[application]

    def limiter(self, application: str, limit: RateLimit) -> WindowLimiter:
        """Return what keeps a limit for all executors of an application."""
        with _STARTING:
            return self._limiters.setdefault((application, limit), WindowLimiter(limit))

    @property
    def address(self) -> str:
        """`host:port` as workers reach it."""
        host, port = self.server_address[:2]
        return f"{host!s}:{port}"


_LISTENERS: dict[str, UsageListener] = {}
_STARTING = threading.Lock()


def usage_listener(host: str) -> UsageListener:
    """Return this process's listener on `host`, starting it at first use."""
    with _STARTING:
        if host not in _LISTENERS:
            _LISTENERS[host] = UsageListener(host)
        return _LISTENERS[host]


def listener_at(address: str) -> UsageListener | None:
    """Return the listener of this process that has this address, if one has."""
    with _STARTING:
        return next((one for one in _LISTENERS.values() if one.address == address), None)
