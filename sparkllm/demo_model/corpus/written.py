"""Product reviews composed from the phrase bank, of every kind of product and in every tone."""

import random
from collections.abc import Callable

from sparkllm.demo_model.corpus.phrases import Kind, fill, kinds, phrases
from sparkllm.demo_model.corpus.row import Row, Sentiment

_STARS: dict[Sentiment, tuple[int, ...]] = {
    "negative": (1, 1, 1, 2, 2),
    "neutral": (3,),
    "positive": (4, 5, 5, 5),
}
_MODELS = (
    "",
    "",
    "",
    " Pro",
    " X2",
    " 3000",
    " Deluxe",
    " Mini",
    " Max",
    " 500 ml",
    ", black",
    " (2 pack)",
)
_MAKERS = (
    "Arvo",
    "Belmont",
    "Cortina",
    "Dunmore",
    "Elvi",
    "Fenwick",
    "Gala",
    "Halden",
    "Ixo",
    "Juno",
    "Kestrel",
    "Lumo",
    "Norva",
    "Orin",
)


class ReviewWriter:
    """Writes one review after the other, all from one seeded source of chance."""

    def __init__(self, random: random.Random) -> None:
        self._random = random

    def write(self, sentiment: Sentiment) -> Row:
        """Return a review of this sentiment with the columns a shop would have beside it."""
        chance = self._random
        kind = chance.choice(kinds())
        product = chance.choice(kind.products)
        compose: dict[Sentiment, Callable[[Kind, str], list[str]]] = {
            "positive": self._positive,
            "negative": self._negative,
            "neutral": self._neutral,
        }
        draw = chance.random()
        if draw < 0.10:
            sentences = [fill(chance.choice(phrases("whole")[sentiment]), kind, product, chance)]
        elif draw < 0.17:
            bank = phrases("languages")[sentiment]
            sentences = chance.sample(bank, chance.choice((1, 1, 2)))
        else:
            sentences = compose[sentiment](kind, product)
        text = _joined(sentences, chance)
        maker = chance.choice(_MAKERS)
        name = f"{maker} {product.title()}{chance.choice(_MODELS)}"
        title = fill(chance.choice(phrases("english")[f"{sentiment}_title"]), kind, product, chance)
        fields = {
            "product": name,
            "category": kind.category,
            "title": title,
            "description": self._description(kind, product, maker),
            "brand": maker,
            "price": f"{chance.choice((5, 12, 20, 35, 60, 99, 140, 320)) - 0.01:.2f}",
        }
        return Row("written", text, sentiment, chance.choice(_STARS[sentiment]), fields=fields)

    def _description(self, kind: Kind, product: str, maker: str) -> str:
        parts = self._random.sample(kind.parts, 2)
        return self._random.choice(
            (
                f"{product.capitalize()} by {maker} with {parts[0]} and {parts[1]}.",
                f"The new {product} from {maker}: improved {parts[0]}, easy to use, a fine gift.",
                f"High quality {product} for every day. Durable {parts[0]}, strong {parts[1]}.",
                f"{maker} {product}. Award-winning design, 2 year warranty.",
                f"{product.capitalize()} with {parts[0]}, tested and made to last.",
            )
        )

    def _positive(self, kind: Kind, product: str) -> list[str]:
        say = self._sayer(kind, product)
        sentences = self._context(say) + self._clauses(say, "positive")
        if self._random.random() < 0.15:
            place = self._random.randint(0, len(sentences))
            sentences.insert(place, say("positive_reservation"))
            sentences.append(say("positive"))
        elif self._random.random() < 0.08:
            sentences.append(self._turn(say, "negative_mercy", "positive"))
            sentences[-1] = say("positive")
        return sentences + self._close(say, "positive")

    def _negative(self, kind: Kind, product: str) -> list[str]:
        say = self._sayer(kind, product)
        sentences = self._context(say)
        draw = self._random.random()
        if draw < 0.15:
            sentences.append(say("negative_mercy"))
        elif draw < 0.30:
            sentences.append(self._turn(say, "positive", "negative"))
        sentences += self._clauses(say, "negative")
        return sentences + self._close(say, "negative")

    def _neutral(self, kind: Kind, product: str) -> list[str]:
        say = self._sayer(kind, product)
        sentences = self._context(say)
        draw = self._random.random()
        if draw < 0.45:
            sentences += self._clauses(say, "neutral", most=3)
        else:
            order = ["positive", "negative"]
            self._random.shuffle(order)
            if draw < 0.75:
                sentences.append(self._turn(say, *order))
            else:
                sentences += [say(order[0]), say(order[1])]
            if self._random.random() < 0.7:
                sentences.append(say("neutral"))
        return sentences + self._close(say, "neutral")

    def _sayer(self, kind: Kind, product: str) -> Callable[[str], str]:
        def say(bank: str) -> str:
            return fill(self._random.choice(phrases("english")[bank]), kind, product, self._random)

        return say

    def _context(self, say: Callable[[str], str]) -> list[str]:
        count = self._random.choices((0, 1, 2), (50, 38, 12))[0]
        return [say("context") for _ in range(count)]

    def _clauses(self, say: Callable[[str], str], bank: str, most: int = 5) -> list[str]:
        weights = (35, 30, 18, 10, 7)[:most]
        count = self._random.choices(range(1, most + 1), weights)[0]
        if most == 5 and self._random.random() < 0.015:
            count = self._random.randint(8, 25)
        sentences: list[str] = []
        for _ in range(count):
            clause = say(bank)
            if sentences and self._random.random() < 0.2:
                sentences[-1] += self._random.choice((" and ", ", ", ", and ", " - ")) + clause
            else:
                sentences.append(clause)
        return sentences

    def _turn(self, say: Callable[[str], str], first: str, second: str) -> str:
        pattern = self._random.choice(
            (
                "{}, but {}",
                "{} but {}",
                "{}, however {}",
                "although {}, {}",
                "{}. On the other hand, {}",
                "{}; {} though",
                "while {}, {}",
                "{}, yet {}",
            )
        )
        return pattern.format(say(first), say(second))

    def _close(self, say: Callable[[str], str], sentiment: Sentiment) -> list[str]:
        likely = {"positive": 0.3, "negative": 0.35, "neutral": 0.4}[sentiment]
        return [say(f"{sentiment}_close")] if self._random.random() < likely else []


def _joined(sentences: list[str], chance: random.Random) -> str:
    casual = chance.random() < 0.12
    separator = "\n" if chance.random() < 0.04 else " "
    ended = []
    for sentence in sentences:
        text = sentence if casual else sentence[0].upper() + sentence[1:]
        if text[-1].isalnum() or text[-1] in ")'\"":
            text += chance.choices((".", "!", "!!", "...", ""), (70, 15, 3, 4, 8))[0]
        ended.append(text)
    return separator.join(ended)
