"""Hidden states as embeddings."""

from array import array

from torch import Tensor
from torch.nn import functional

NOTHING_TO_EMBED = "the text has no tokens, so there is nothing to embed: leave out empty texts"


def unit_vectors(states: Tensor) -> "list[array[float]]":
    """Return hidden states `[rows, hidden]` as float32 vectors of length 1, that of zeros as it is.

    Raises:
        FloatingPointError: a number is not finite.
    """
    vectors = functional.normalize(states.float(), dim=-1).cpu()
    if not vectors.isfinite().all():
        raise FloatingPointError("the hidden state of a text has numbers that are not finite")
    return [array("f", vector.tobytes()) for vector in vectors.numpy()]
