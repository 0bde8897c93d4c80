"""From request batches to prompts and the keys by which equal requests are known."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from itertools import pairwise
from json import dumps
from typing import Any

import numpy as np
import pyarrow as pa

from sparkllm_engine.request import SamplingParameters
from sparkllm_engine.server.protocol import REQUEST_SCHEMA, ProtocolError
from sparkllm_engine.store.frames import KEY_BYTES


@dataclass(frozen=True, slots=True)
class RequestBatch:
    """Decoded requests: one entry of each list a row.

    A row's key is the digest of its pieces' digests after that of the engine's identity and the
    sampling parameters, but for `probabilities`, which changes no answer: of everything that
    determines the answer.
    """

    ids: list[int]
    prompts: list[tuple[str, ...]]
    keys: list[bytes]


class RequestDecoder:
    """Decodes the batches of one exchange; a dictionary that many batches share is read once.

    Args:
        parameters: of all requests.
        identity: what besides them determines the answers, see `identity.identity_of`.
    """

    def __init__(self, parameters: SamplingParameters, identity: str = "") -> None:
        self._sampling = _digest(dumps([identity, _deciding(parameters)], sort_keys=True))
        self._dictionary: pa.Array | None = None
        self._pieces = np.empty(0, dtype=object)
        self._digests = np.empty((0, KEY_BYTES), dtype=np.uint8)

    def decode(self, batch: pa.RecordBatch) -> RequestBatch:
        """Return the requests of a batch.

        Raises:
            ProtocolError: the batch has another schema, or nulls.
        """
        if not batch.schema.equals(REQUEST_SCHEMA):
            raise ProtocolError(f"requests of this schema are not understood: {batch.schema}")
        ids, prompts = batch.columns
        values = prompts.values
        if ids.null_count or prompts.null_count or values.null_count:
            raise ProtocolError("there are nulls among the requests")
        self._read_dictionary(values.dictionary)
        offsets = prompts.offsets.to_numpy()
        indices = values.indices.to_numpy()[offsets[0] : offsets[-1]]
        bounds = (offsets - offsets[0]).tolist()
        pieces = tuple(self._pieces[indices])
        return RequestBatch(
            ids.to_pylist(),
            [pieces[start:end] for start, end in pairwise(bounds)],
            list(self._keys(self._digests[indices].tobytes(), bounds)),
        )

    def _read_dictionary(self, dictionary: pa.Array) -> None:
        if self._dictionary is not None and dictionary.equals(self._dictionary):
            return
        texts = dictionary.to_pylist()
        self._pieces = np.empty(len(texts), dtype=object)
        self._pieces[:] = texts
        digests = b"".join(map(_digest, texts))
        self._digests = np.frombuffer(digests, dtype=np.uint8).reshape(-1, KEY_BYTES)
        self._dictionary = dictionary

    def _keys(self, digests: bytes, bounds: list[int]) -> Iterator[bytes]:
        for start, end in pairwise(bounds):
            pieces = digests[start * KEY_BYTES : end * KEY_BYTES]
            yield blake2b(self._sampling + pieces, digest_size=KEY_BYTES).digest()


def _deciding(parameters: SamplingParameters) -> dict[str, Any]:
    return asdict(replace(parameters, probabilities=False))


def _digest(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=KEY_BYTES).digest()
