"""Each answer is computed once: equal requests share one computation, or an answer of the store.

A request whose answer is determined (temperature 0, or a seed) is known by its key. While it is
computed, equal ones of any task wait for it; once it is answered, it goes into the store. Errors
reach everyone who waits, but are not stored. Requests that draw at random are never shared.

    claim: equal one under way? ── yes ─► wait for it
             no: it is under way now ─► in the store? ── yes ─► answered │ no ─► to be computed
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count

from sparkllm_engine.errors import RowErrorCode
from sparkllm_engine.request import Result, SamplingParameters
from sparkllm_engine.server.outbox import Origin, Outbox, Parcel
from sparkllm_engine.server.prompts import RequestBatch
from sparkllm_engine.store import ResultStore
from sparkllm_engine.store.frames import KEY_BYTES

Waiter = tuple[Outbox, int]


@dataclass(frozen=True, slots=True)
class NewRequests:
    """What has to be computed: engine-wide request ids, their prompts and keys."""

    ids: list[int] = field(default_factory=list)
    prompts: list[tuple[str, ...]] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)


def is_determined(parameters: SamplingParameters) -> bool:
    """Whether equal prompts have equal answers under these parameters."""
    return parameters.temperature == 0 or parameters.seed is not None


class Answers:
    """Who waits for which request, and the answers remembered. Any thread may call it."""

    def __init__(self, store: ResultStore) -> None:
        self._lock = threading.Lock()
        self._store = store
        self._ids = count()
        self._computing: dict[bytes, int] = {}
        self._waiting: dict[int, tuple[bytes | None, list[Waiter]]] = {}
        self._rows = 0
        self._reused = 0
        self._from_store = 0

    @property
    def warning(self) -> str | None:
        """Why answers can't be kept, None if they are."""
        return self._store.problem

    def claim(
        self, batch: RequestBatch, shared: bool, outbox: Outbox, budget: str = ""
    ) -> NewRequests:
        """Note that `outbox` waits for the batch; return the requests that are to be computed.

        Answers of the store are put into the outbox at once. With `shared` false every row is
        computed on its own. What is under way is shared within a query that has a `budget`, or
        among those without: others must not go without an answer because one's budget is spent.
        """
        scope = budget.encode()
        claimed = NewRequests()
        with self._lock:
            for row, prompt, key in zip(batch.ids, batch.prompts, batch.keys, strict=True):
                if shared:
                    request = self._computing.get(key + scope)
                    if request is not None:
                        self._waiting[request][1].append((outbox, row))
                        continue
                request = next(self._ids)
                if shared:
                    self._computing[key + scope] = request
                self._waiting[request] = (key + scope if shared else None, [(outbox, row)])
                claimed.ids.append(request)
                claimed.prompts.append(prompt)
                claimed.keys.append(key)
            self._rows += len(batch.ids)
            self._reused += len(batch.ids) - len(claimed.ids)
        return self._without_stored(claimed) if shared and claimed.ids else claimed

    def _without_stored(self, claimed: NewRequests) -> NewRequests:
        """Answer what the store knows, and return the rest."""
        known = self._store.get(claimed.keys)
        if not any(known):
            return claimed
        new = NewRequests()
        answered: list[tuple[int, Result]] = []
        requests = zip(claimed.ids, claimed.prompts, claimed.keys, known, strict=True)
        for request, prompt, key, result in requests:
            if result is None:
                new.ids.append(request)
                new.prompts.append(prompt)
                new.keys.append(key)
            else:
                answered.append((request, result))
        with self._lock:
            self._from_store += len(answered)
        self._hand_out(answered, Origin.STORE)
        return new

    def complete(self, results: Iterable[Result]) -> None:
        """Hand results to everyone who waits for them, and store those that may be reused."""
        results = list(results)
        with self._lock:
            stored = [
                (key[:KEY_BYTES], result)
                for result in results
                if (key := self._waiting.get(result.id, (None, ()))[0]) is not None
                and result.text is not None
                and result.error_code is None
            ]
        self._store.put(stored)
        self._hand_out([(result.id, result) for result in results], Origin.CALL)

    def _hand_out(self, answered: list[tuple[int, Result]], origin: Origin) -> None:
        """Give each request's result to all who wait; for all but the first it is a shared one."""
        parcels: dict[Outbox, Parcel] = {}
        with self._lock:
            for request, result in answered:
                key, waiters = self._waiting.pop(request, (None, ()))
                if key is not None:
                    del self._computing[key]
                refused = result.error_code == RowErrorCode.BUDGET  # there was no call
                whence = Origin.SHARED if refused else origin
                for outbox, row in waiters:
                    parcel = parcels.get(outbox)
                    if parcel is None:
                        parcel = parcels[outbox] = Parcel()
                    parcel.add(row, result, whence)
                    whence = Origin.SHARED
        for outbox, parcel in parcels.items():
            outbox.put(parcel)

    def abandon(self, outbox: Outbox) -> list[int]:
        """Forget what `outbox` waits for; return the requests that nobody waits for any more."""
        with self._lock:
            unwanted = []
            for request, (key, waiters) in self._waiting.items():
                waiters[:] = [waiter for waiter in waiters if waiter[0] is not outbox]
                if not waiters:
                    unwanted.append(request)
                    if key is not None:
                        del self._computing[key]
            for request in unwanted:
                del self._waiting[request]
            return unwanted

    def is_wanted(self, request: int) -> bool:
        """Whether anyone waits for the request."""
        return request in self._waiting

    def unfinished(self) -> list[int]:
        """Return the requests that someone waits for."""
        with self._lock:
            return list(self._waiting)

    def statistics(self) -> dict[str, int]:
        """Return rows asked for, rows that shared an answer or had one of the store; the store."""
        with self._lock:
            counts = {
                "rows": self._rows,
                "reused": self._reused,
                "from_store": self._from_store,
            }
        return counts | self._store.statistics()
