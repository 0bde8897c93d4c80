"""Which texts are kept for evaluation: decided by the text alone, so that copies stay together."""

import hashlib

HELD_OUT_PERCENT = 10


def is_held_out(text: str) -> bool:
    """Return whether a text belongs to the evaluation side. Case and white space don't matter."""
    canonical = " ".join(text.lower().split())
    digest = hashlib.sha256(canonical.encode()).digest()
    return int.from_bytes(digest[:4], "big") % 100 < HELD_OUT_PERCENT
