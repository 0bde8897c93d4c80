"""Asks for parts of a text as JSON."""

import json
import random
import re
from collections.abc import Callable, Mapping, Sequence

from sparkllm.demo_model.corpus import questions

_MOST = 14
_SPELLINGS: tuple[Callable[[str], str], ...] = (
    lambda name: name,
    lambda name: name,
    lambda name: name,
    lambda name: re.sub(r"_(\w)", lambda match: match.group(1).upper(), name),
    lambda name: name.upper(),
    lambda name: name.replace("_", " "),
)


def extraction(
    slots: Mapping[str, str], names: Sequence[str], chance: random.Random
) -> tuple[str, str]:
    """Return an instruction, with `{}` for a column's name, and the answer to it.

    Half of the times all fields that texts of this kind may have are asked for, in any order, else
    some that are there and few that aren't. What is not in the text is null.

    Args:
        slots: parts of the text, by field.
        names: all fields that texts of this kind may have.
        chance: draws.
    """
    absent = [name for name in names if name not in slots]
    if chance.random() < 0.5:
        wanted = [*slots, *absent]
    else:
        present = chance.sample(list(slots), chance.randint(1, len(slots)))
        missing = min(len(absent), chance.choice((0, 0, 1, 1, 2, 3)))
        wanted = present + chance.sample(absent, missing)
    wanted = chance.sample(wanted, len(wanted))[:_MOST]
    spell = chance.choice(_SPELLINGS)
    asked = ", ".join(spell(name) for name in wanted)
    instruction = chance.choice(questions.EXTRACTION_INSTRUCTIONS).replace("<fields>", asked)
    answer = {spell(name): slots.get(name) for name in wanted}
    return instruction, json.dumps(answer, ensure_ascii=False)
