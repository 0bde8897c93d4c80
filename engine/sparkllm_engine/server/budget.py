"""What the calls of a query may cost, and who may make the next ones.

Engines ask before they take calls, and tell what those before have cost. What a call will cost is
taken to be what the calls so far have cost on average, so that calls under way fit into the rest.
"""

import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any

_PROBES = 16  # calls granted before any has ended, where cost is limited


@dataclass(frozen=True, slots=True)
class Cost:
    """What calls cost: `tokens` of prompts and answers, `money` by the price list."""

    calls: int = 0
    tokens: int = 0
    money: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.calls + other.calls, self.tokens + other.tokens, self.money + other.money)


@dataclass(frozen=True, slots=True)
class Prices:
    """Money per million tokens: of the prompt, of its part from the prefix cache, of the answer."""

    input: float = 0.0
    cached: float = 0.0
    output: float = 0.0

    def money(self, prompt: float, cached: float, output: float) -> float:
        """Return what these tokens cost; `cached` of the `prompt` tokens are from the cache."""
        return ((prompt - cached) * self.input + cached * self.cached + output * self.output) / 1e6


@dataclass(frozen=True, slots=True)
class Limits:
    """Most that a query may cost, 0 for no limit; `seconds` since its first call was asked for."""

    calls: int = 0
    tokens: int = 0
    seconds: float = 0.0
    money: float = 0.0


@dataclass(frozen=True, slots=True)
class Grant:
    """How many calls may be made now; `spent` says why there won't be any more."""

    calls: int
    spent: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return asdict(self)


@dataclass(slots=True)
class Budget:
    """The budget of one query. Any thread may call it."""

    limits: Limits
    cost: Cost = Cost()
    _under_way: dict[object, int] = field(default_factory=dict)
    _began: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, holder: object, wanted: int, ended: Cost) -> Grant:
        """Settle the calls of `holder` that have ended, and grant it some of those it wants."""
        with self._lock:
            self.cost += ended
            self._under_way[holder] = self._under_way.get(holder, 0) - ended.calls
            reason = self._spent()
            if reason is not None:
                return Grant(0, reason)
            granted = max(0, min(wanted, self._room()))
            self._under_way[holder] += granted
            return Grant(granted)

    def abandon(self, holder: object) -> None:
        """Take the calls of a holder that is gone to have cost what calls cost on average."""
        with self._lock:
            calls = self._under_way.pop(holder, 0)
            if self.cost.calls:
                share = calls / self.cost.calls
                self.cost += Cost(0, round(self.cost.tokens * share), self.cost.money * share)
            self.cost += Cost(calls)

    def _spent(self) -> str | None:
        elapsed = time.monotonic() - self._began
        for name, spent, limit in (
            ("calls", self.cost.calls + sum(self._under_way.values()), self.limits.calls),
            ("tokens", self.cost.tokens, self.limits.tokens),
            ("money", self.cost.money, self.limits.money),
            ("seconds", elapsed, self.limits.seconds),
        ):
            if limit and spent >= limit:
                return f"spark.sparkllm.budget.{name} = {limit:g} is spent"
        return None

    def _room(self) -> int:
        """How many calls fit, besides those under way."""
        under_way = sum(self._under_way.values())
        rooms = [1 << 30]
        if self.limits.calls:
            rooms.append(self.limits.calls - self.cost.calls - under_way)
        for spent, limit in (
            (self.cost.tokens, self.limits.tokens),
            (self.cost.money, self.limits.money),
        ):
            if not limit:
                continue
            if not self.cost.calls:
                rooms.append(_PROBES - under_way)
            elif spent > 0:
                fitting = int((limit - spent) * self.cost.calls / spent)
                rooms.append(max(fitting, 1) - under_way)
        return min(rooms)
