"""The same labels, spelled as other tables would."""

import random
import re
from collections.abc import Callable, Sequence

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W_a-zA-Z]+|[^\w\s]+")


def words(label: str) -> list[str]:
    """Return the words of a label in snake case, camel case or plain."""
    return _WORD.findall(label) or [label]


_STYLES: tuple[tuple[float, Callable[[Sequence[str]], str]], ...] = (
    (0.20, lambda parts: " ".join(parts).lower()),
    (0.07, lambda parts: " ".join(parts).capitalize()),
    (0.05, lambda parts: "_".join(parts).lower()),
    (0.04, lambda parts: "_".join(parts).upper()),
    (0.04, lambda parts: "-".join(parts).lower()),
    (0.05, lambda parts: "".join(part.capitalize() for part in parts)),
)


def respelled(labels: Sequence[str], chance: random.Random) -> list[str]:
    """Return labels as they are, or, in about half of the draws, all spelled in another way.

    Where two would become equal they stay as they are.
    """
    draw = chance.random()
    for share, style in _STYLES:
        draw -= share
        if draw < 0:
            spelled = [style(words(label)) for label in labels]
            return spelled if len(set(spelled)) == len(spelled) else list(labels)
    return list(labels)
