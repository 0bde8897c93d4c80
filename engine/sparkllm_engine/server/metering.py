"""An engine around the engine: requests of a query with a budget wait until they are granted.

add ─► waiting ─► granted? ── yes ─► the engine ─► result, its cost is told with the next question
                    spent? ── yes ─► error BUDGET
"""

import json
import logging
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from sparkllm_engine.errors import RowErrorCode
from sparkllm_engine.request import Request, Result
from sparkllm_engine.server.budget import Budget, Cost, Grant, Limits, Prices

if TYPE_CHECKING:
    from sparkllm_engine.server.loop import Engine

_MOST_UNDER_WAY = 512  # requests of one query in this engine, so that what is left is few
_ASK_EVERY = 0.1  # seconds, while nothing is granted
_PATIENCE = 10.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class BudgetTerms:
    """The budget of a query as its tasks tell it to the engine.

    Attributes:
        query: names the query for its driver.
        limits: of all its calls.
        prices: for money.
        address: `host:port` where the driver keeps the budget for all executors; empty where
            nobody does: then each engine keeps to the limits by itself.
        token: what the driver has to be shown.
        application: id of the Spark application.
    """

    query: str
    limits: Limits
    prices: Prices = field(default_factory=Prices)
    address: str = ""
    token: str = ""
    application: str = ""

    @classmethod
    def from_dict(cls, body: dict[str, Any]) -> "BudgetTerms":
        """Read what `dataclasses.asdict` gave.

        Raises:
            TypeError: there are other fields.
        """
        limits, prices = Limits(**body["limits"]), Prices(**body["prices"])
        return cls(**{**body, "limits": limits, "prices": prices})


class _Keeper(Protocol):
    """Who grants calls."""

    def ask(self, wanted: int, ended: Cost) -> Grant: ...

    def close(self) -> None: ...


class _OwnKeeper:
    def __init__(self, limits: Limits) -> None:
        self._budget = Budget(limits)

    def ask(self, wanted: int, ended: Cost) -> Grant:
        return self._budget.ask(None, wanted, ended)

    def close(self) -> None:
        return


class _DriverKeeper:
    """Asks the driver, which keeps one budget for all executors."""

    def __init__(self, terms: BudgetTerms) -> None:
        self._terms = terms
        host, _, port = terms.address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), _PATIENCE)
        self._socket.sendall(f"{terms.token}\n{terms.application}\n".encode())
        self._answers = self._socket.makefile("rb")

    def ask(self, wanted: int, ended: Cost) -> Grant:
        question = {
            "budget": self._terms.query,
            "limits": asdict(self._terms.limits),
            "wanted": wanted,
            "ended": asdict(ended),
        }
        self._socket.sendall(json.dumps(question).encode() + b"\n")
        return Grant(**json.loads(self._answers.readline()))

    def close(self) -> None:
        self._socket.close()


@dataclass(slots=True)
class Account:
    """What one query has with this engine. `own` and `close` may be called from any thread.

    `owner` is the engine's table of whose a request is.
    """

    terms: BudgetTerms
    owner: dict[int, "Account"]
    keeper: _Keeper | None
    waiting: OrderedDict[int, Request] = field(default_factory=OrderedDict)
    under_way: set[int] = field(default_factory=set)
    ended: Cost = field(default_factory=Cost)
    spent: str | None = None
    asked: float = 0.0
    users: int = 0
    _asking: threading.Lock = field(default_factory=threading.Lock)

    def own(self, requests: Iterable[int]) -> None:
        """Say that requests, which will be added, are on this account."""
        self.owner.update(dict.fromkeys(requests, self))

    def ask(self) -> int:
        """Ask for the calls that there is room for; return how many may be made."""
        wanted = min(len(self.waiting), _MOST_UNDER_WAY - len(self.under_way))
        now = time.monotonic()
        if wanted <= 0 or (not self.ended.calls and now - self.asked < _ASK_EVERY):
            return 0
        self.asked = now
        try:
            with self._asking:
                if self.keeper is None:
                    self.keeper = _DriverKeeper(self.terms)
                grant = self.keeper.ask(wanted, self.ended)
        except (OSError, ValueError, TypeError) as error:
            _log.warning("the driver can't be asked for the budget of the query: %s", error)
            grant = Grant(0, f"the driver, which keeps the budget, can't be reached: {error}")
        self.ended = Cost()
        self.spent = grant.spent
        return grant.calls

    def close(self) -> None:
        """Tell the last costs."""
        if self.keeper is not None:
            try:
                with self._asking:
                    self.keeper.ask(0, self.ended)
                    self.keeper.close()
            except (OSError, ValueError, TypeError) as error:
                _log.info("the driver does not hear the last costs of a query: %s", error)


class MeteredEngine:
    """Does as the engine does for requests of queries without a budget.

    `account` and `leave` may be called from any thread, the rest from the one that drives it.
    """

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._accounts: dict[tuple[str, str], Account] = {}
        self._account_of: dict[int, Account] = {}
        self._keepers: dict[tuple[str, str], _OwnKeeper] = {}
        self._refused: list[Result] = []
        self._lock = threading.Lock()

    def account(self, terms: BudgetTerms) -> Account:
        """Return the account of a query; each caller has to `leave` it."""
        name = (terms.application, terms.query)
        with self._lock:
            account = self._accounts.get(name)
            if account is None:
                keeper = None
                if not terms.address:
                    keeper = self._keepers.setdefault(name, _OwnKeeper(terms.limits))
                account = self._accounts[name] = Account(terms, self._account_of, keeper)
            account.users += 1
            return account

    def leave(self, account: Account) -> None:
        """Say that a user of the account is done; the last one closes it."""
        with self._lock:
            account.users -= 1
            if account.users:
                return
            self._accounts.pop((account.terms.application, account.terms.query), None)
        for request, other in tuple(self._account_of.items()):
            if other is account:
                self._account_of.pop(request, None)
        account.close()

    @property
    def has_unfinished(self) -> bool:
        """Whether a step would do anything."""
        return (
            self._engine.has_unfinished
            or bool(self._refused)
            or any(account.waiting for account in tuple(self._accounts.values()))
        )

    def add(self, request: Request) -> None:
        """Take a request, to be passed on when it is granted."""
        account = self._account_of.get(request.id)
        if account is None:
            self._engine.add(request)
        else:
            account.waiting[request.id] = request

    def step(self) -> list[Result]:
        """Pass on what is granted, let the engine compute, and return what has an end."""
        for account in tuple(self._accounts.values()):
            self._admit(account)
        refused, self._refused = self._refused, []
        if self._engine.has_unfinished:
            results = self._engine.step()
            for result in results:
                self._settle(result)
            return refused + results
        if not refused:
            time.sleep(_ASK_EVERY)  # others hold what is left of the budget
        return refused

    def cancel(self, ids: Iterable[int]) -> None:
        """Forget requests; one that is added again is on the same account."""
        known = []
        for request in ids:
            account = self._account_of.get(request)
            if account is None:
                known.append(request)
            elif account.waiting.pop(request, None) is None and request in account.under_way:
                account.under_way.remove(request)
                account.ended += Cost(1)
                known.append(request)
        self._engine.cancel(known)

    def statistics(self) -> dict[str, float | int]:
        """Return the engine's counters."""
        return self._engine.statistics()

    def _admit(self, account: Account) -> None:
        if not account.waiting:
            return
        granted = 0 if account.spent else account.ask()
        for _ in range(granted):
            number, request = account.waiting.popitem(last=False)
            account.under_way.add(number)
            self._engine.add(request)
        if account.spent:
            for number in account.waiting:
                self._account_of.pop(number, None)
                self._refused.append(_refused(number, account.spent))
            account.waiting.clear()

    def _settle(self, result: Result) -> None:
        account = self._account_of.get(result.id)
        if account is None or result.id not in account.under_way:
            return
        del self._account_of[result.id]
        account.under_way.remove(result.id)
        money = account.terms.prices.money(
            result.prompt_tokens, result.cached_tokens, result.output_tokens
        )
        account.ended += Cost(1, result.prompt_tokens + result.output_tokens, money)


def _refused(request: int, why: str) -> Result:
    message = f"{why}: raise it and run the query again, answers in the store are not asked twice"
    return Result(request, None, "error", RowErrorCode.BUDGET, message)
