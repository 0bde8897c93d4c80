"""Where stop strings end an answer."""

from collections.abc import Callable, Sequence

Decode = Callable[[Sequence[int]], str]

# Tokens looked at beyond those a stop string may take, for characters of several tokens and for
# tokenizers that drop the blank at the start of a text.
_SLACK = 8


def stopped_text(
    tokens: Sequence[int], new: int, stop: Sequence[str], least: int, decode: Decode
) -> str | None:
    """Return the answer's text up to its first stop string, None if it has none.

    Args:
        tokens: of the answer.
        new: how many of them were not there at the last look.
        stop: strings that end the answer; none is empty.
        least: tokens within which stop strings don't count.
        decode: turns tokens into text.
    """
    if len(tokens) <= least:
        return None
    # A token that shows is at least a character, so no more of them matter for what is new.
    seen = max(map(len, stop)) * 4 + new + _SLACK
    if not any(string in decode(tokens[-seen:]) for string in stop):
        return None
    text = decode(tokens)
    first = len(decode(tokens[:least])) if least else 0
    ends = [_find(text, string, first) for string in stop]
    found = [end for end in ends if end >= 0]
    return text[: min(found)] if found else None


def _find(text: str, string: str, first: int) -> int:
    """Return where `string` starts that ends beyond the first characters, -1 if nowhere."""
    return text.find(string, max(first - len(string) + 1, 0))
