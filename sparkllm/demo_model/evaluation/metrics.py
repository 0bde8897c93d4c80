"""Numbers that say how good answers are. Answers and truth are in the same order."""

import json
from collections import Counter
from collections.abc import Sequence


def accuracy(answers: Sequence[str], truth: Sequence[str]) -> float:
    """Return the share of right answers."""
    return sum(a == t for a, t in zip(answers, truth, strict=True)) / len(truth)


def balanced_accuracy(answers: Sequence[str], truth: Sequence[str]) -> float:
    """Return the mean over the true classes of the share answered right."""
    sizes = Counter(truth)
    right = Counter(t for a, t in zip(answers, truth, strict=True) if a == t)
    return sum(right[label] / size for label, size in sizes.items()) / len(sizes)


def yes_f1(answers: Sequence[str], truth: Sequence[str]) -> float:
    """Return the harmonic mean of precision and recall of `yes`."""
    pairs = list(zip(answers, truth, strict=True))
    both = pairs.count(("yes", "yes"))
    said, there = list(answers).count("yes"), list(truth).count("yes")
    return 2 * both / (said + there) if said + there else 0.0


def slot_f1(answers: Sequence[str], truth: Sequence[str]) -> float:
    """Return F1 over fields of JSON objects: right is a field with the very same text.

    Null is no field; an answer that is no JSON object has none.
    """
    both = said = there = 0
    for answer, true in zip(answers, truth, strict=True):
        found, wanted = _fields(answer), _fields(true)
        said, there = said + len(found), there + len(wanted)
        both += len(found & wanted)
    return 2 * both / (said + there) if said + there else 0.0


def valid_json(answers: Sequence[str]) -> float:
    """Return the share of answers that are JSON."""
    return sum(_parsed(answer) is not None for answer in answers) / len(answers)


def word_f1(answers: Sequence[str], truth: Sequence[str]) -> float:
    """Return the mean F1 of the words that answer and truth share (ROUGE-1)."""
    total = 0.0
    for answer, true in zip(answers, truth, strict=True):
        found, wanted = _words(answer), _words(true)
        size = found.total() + wanted.total()
        total += 2 * (found & wanted).total() / size if size else 0.0
    return total / len(truth)


def _fields(text: str) -> set[tuple[str, str]]:
    value = _parsed(text)
    if not isinstance(value, dict):
        return set()
    return {(name, str(part)) for name, part in value.items() if part is not None}


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _words(text: str) -> Counter[str]:
    letters = "".join(letter if letter.isalnum() else " " for letter in text.lower())
    return Counter(letters.split())
