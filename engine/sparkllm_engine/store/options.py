"""Where answers are kept, and within which limits."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """Options of a `ResultStore`.

    Attributes:
        memory_bytes: bytes of answers in memory, 0 for none.
        path: directory or URI for the answers that outlive the process, empty for none.
        max_bytes: bytes at that path, 0 for any number.
        max_age: seconds after which an answer at that path is not used any more, 0 for never.
    """

    memory_bytes: int = 256 << 20
    path: str = ""
    max_bytes: int = 0
    max_age: float = 0.0
