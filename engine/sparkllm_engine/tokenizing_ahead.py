"""Tokenising the next requests while the model computes."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from sparkllm_engine.pieces import Tokens
from sparkllm_engine.request import Request

_Encoded = list[Tokens | Exception]


class TokenizingAhead:
    """One batch of requests, on its way through the tokenizer on a thread of its own.

    Args:
        encode: returns the tokens of each request or why it has none; it doesn't raise.
    """

    def __init__(self, encode: Callable[[Sequence[Request]], _Encoded]) -> None:
        self._encode = encode
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sparkllm-tokenize")
        self._batch: list[Request] = []
        self._future: Future[_Encoded] = Future()
        self._dropped: frozenset[int] = frozenset()

    @property
    def requests(self) -> int:
        """Requests of the batch, 0 if there is none."""
        return len(self._batch)

    def start(self, batch: list[Request]) -> None:
        """Begin with a batch; the one before must have been taken."""
        assert not self._batch
        self._batch = batch
        self._dropped = frozenset()
        self._future = self._thread.submit(self._encode, batch)

    def take(self) -> Iterator[tuple[Request, Tokens | Exception]]:
        """Return the requests of the batch with their tokens, once they are there."""
        batch, self._batch = self._batch, []
        pairs = zip(batch, self._future.result(), strict=True)
        dropped = self._dropped
        return (pair for pair in pairs if pair[0].id not in dropped)

    def drop(self, ids: frozenset[int]) -> list[Request]:
        """Leave out these requests, and return those of them that were in the batch."""
        gone = [r for r in self._batch if r.id in ids and r.id not in self._dropped]
        self._dropped |= {request.id for request in gone}
        return gone
