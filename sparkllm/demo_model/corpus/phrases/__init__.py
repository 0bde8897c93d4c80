"""Fragments of product reviews, written for this project, and filling their slots."""

import random
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of product: its category, products, and parts that may fail or please."""

    category: str
    products: tuple[str, ...]
    parts: tuple[str, ...]


@cache
def phrases(file: str) -> Mapping[str, Sequence[str]]:
    """Return the lists of one file (`english`, `whole`, `languages`), by name."""
    return {name: tuple(value) for name, value in _read(file).items()}


@cache
def kinds() -> tuple[Kind, ...]:
    """Return all kinds of products."""
    return tuple(
        Kind(kind["category"], tuple(kind["products"]), tuple(kind["parts"]))
        for kind in _read("products")["kind"]
    )


def fill(phrase: str, kind: Kind, product: str, random: random.Random) -> str:
    """Return the phrase with each slot filled; every occurrence is drawn anew."""

    def value(match: re.Match[str]) -> str:
        slot = match.group(1)
        if slot == "product":
            return product
        if slot == "part":
            return random.choice(kind.parts)
        return random.choice(phrases_of_slots()[slot])

    return _SLOT.sub(value, phrase)


@cache
def phrases_of_slots() -> Mapping[str, Sequence[str]]:
    """Return the fillings of the slots that do not depend on the product."""
    return {name: tuple(value) for name, value in _read("products").items() if name != "kind"}


def _read(file: str) -> dict[str, list]:  # type: ignore[type-arg]
    text = resources.files(__package__).joinpath(f"{file}.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
