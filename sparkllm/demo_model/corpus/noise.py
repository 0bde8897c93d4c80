"""How people really type: missing capitals, shouting, typos."""

import random


def typed(text: str, chance: random.Random) -> str:
    """Return the text, now and then as somebody in a hurry would have typed it."""
    draw = chance.random()
    if draw < 0.03:
        return text.lower()
    if draw < 0.06:
        return text.upper()
    if draw < 0.11:
        return _with_typos(text, chance)
    if draw < 0.13:
        return text.replace("'", "")
    return text


def _with_typos(text: str, chance: random.Random) -> str:
    letters = list(text)
    for _ in range(max(1, len(letters) // 60)):
        place = chance.randrange(max(1, len(letters) - 1))
        if not letters[place : place + 1] or not letters[place].isalpha():
            continue
        kind = chance.randrange(3)
        if kind == 0:
            del letters[place]
        elif kind == 1:
            letters.insert(place, letters[place])
        else:
            letters[place : place + 2] = reversed(letters[place : place + 2])
    return "".join(letters)
