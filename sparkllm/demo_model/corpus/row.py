"""One labelled row, whatever set it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Sentiment = Literal["positive", "negative", "neutral"]


@dataclass(frozen=True, slots=True)
class Row:
    """A text with what is known about it.

    `stars` runs from 1 to 5; `label` is one of the labels of the set `source`; `slots` are parts of
    the text by what they are; `fields` are the row's other columns, by name; `beliefs` holds the
    probability of each sentiment as a teacher sees it, `features` what an encoder sees in the text.
    """

    source: str
    text: str
    sentiment: Sentiment | None = None
    stars: int | None = None
    recommended: bool | None = None
    label: str | None = None
    slots: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    beliefs: Mapping[Sentiment, float] = field(default_factory=dict)
    features: tuple[float, ...] = ()


def sentiment_of_stars(stars: int) -> Sentiment:
    """Return the sentiment of 1 to 5 stars: 1-2 negative, 3 neutral, 4-5 positive."""
    if stars == 3:
        return "neutral"
    return "positive" if stars > 3 else "negative"
