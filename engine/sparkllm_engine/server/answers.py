"""Each answer is computed once: equal requests share one computation, or an answer from before.

A request whose answer is determined (temperature 0, or a seed) is known by its key. While it is
computed, equal ones of any task wait for it; once it is answered, it is remembered. Errors reach
everyone who waits, but are not remembered. Requests that draw at random are never shared.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count

from sparkllm_engine.request import Result, SamplingParameters
from sparkllm_engine.server.memory import AnswerMemory
from sparkllm_engine.server.outbox import Outbox, Parcel
from sparkllm_engine.server.prompts import RequestBatch

Waiter = tuple[Outbox, int]


@dataclass(frozen=True, slots=True)
class NewRequests:
    """What has to be computed: engine-wide request ids, and their prompts."""

    ids: list[int] = field(default_factory=list)
    prompts: list[tuple[str, ...]] = field(default_factory=list)


def is_determined(parameters: SamplingParameters) -> bool:
    """Whether equal prompts have equal answers under these parameters."""
    return parameters.temperature == 0 or parameters.seed is not None


class Answers:
    """Who waits for which request, and the answers remembered. Any thread may call it."""

    def __init__(self, memory_bytes: int) -> None:
        self._lock = threading.Lock()
        self._memory = AnswerMemory(memory_bytes)
        self._ids = count()
        self._computing: dict[bytes, int] = {}
        self._waiting: dict[int, tuple[bytes | None, list[Waiter]]] = {}
        self._rows = 0
        self._reused = 0

    def claim(self, batch: RequestBatch, shared: bool, outbox: Outbox) -> NewRequests:
        """Note that `outbox` waits for the batch; return the requests that are to be computed.

        Answers that are remembered are put into the outbox at once. With `shared` false every
        row is computed on its own.
        """
        new = NewRequests()
        remembered = Parcel()
        with self._lock:
            for row, prompt, key in zip(batch.ids, batch.prompts, batch.keys, strict=True):
                if shared:
                    result = self._memory.get(key)
                    if result is not None:
                        remembered.add(row, result, True)
                        continue
                    request = self._computing.get(key)
                    if request is not None:
                        self._waiting[request][1].append((outbox, row))
                        continue
                request = next(self._ids)
                if shared:
                    self._computing[key] = request
                self._waiting[request] = (key if shared else None, [(outbox, row)])
                new.ids.append(request)
                new.prompts.append(prompt)
            self._rows += len(batch.ids)
            self._reused += len(batch.ids) - len(new.ids)
        if remembered.ids:
            outbox.put(remembered)
        return new

    def complete(self, results: Iterable[Result]) -> None:
        """Hand results to everyone who waits for them, and remember those that may be reused."""
        parcels: dict[Outbox, Parcel] = {}
        with self._lock:
            for result in results:
                key, waiters = self._waiting.pop(result.id, (None, ()))
                if key is not None:
                    del self._computing[key]
                    if waiters and result.text is not None and result.error_code is None:
                        self._memory.put(key, result)
                reused = False
                for outbox, row in waiters:
                    parcel = parcels.get(outbox)
                    if parcel is None:
                        parcel = parcels[outbox] = Parcel()
                    parcel.add(row, result, reused)
                    reused = True
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
        """Return rows asked for, rows reused, and what the memory of answers holds."""
        with self._lock:
            return {
                "rows": self._rows,
                "reused": self._reused,
                "remembered": len(self._memory),
                "remembered_bytes": self._memory.used,
            }
