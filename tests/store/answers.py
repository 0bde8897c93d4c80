"""Keys and answers for tests of the store."""

from hashlib import blake2b

from sparkllm_engine.request import Result
from sparkllm_engine.store.frames import KEY_BYTES


def key(name: object) -> bytes:
    """Return a key that is always the same for this name."""
    return blake2b(str(name).encode(), digest_size=KEY_BYTES).digest()


def answer(text: object) -> Result:
    """Return an answer with this text and some tokens."""
    return Result(0, str(text), "stop", None, None, 10, 4, 2)
