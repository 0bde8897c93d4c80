"""The lines of a prompt about a group: its values, or answers for parts of it."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sparkllm.tasks.rendering import render_fields, render_values


@dataclass(frozen=True, slots=True)
class Line:
    """A value or an answer, and how many values of the group it stands for."""

    name: str
    value: Any
    count: int = 1
    unit: str = "times"

    @property
    def text(self) -> str:
        """The line as the prompt has it; the value can't leave its quotes."""
        name = self.name if self.count == 1 else f"{self.name} ({self.count} {self.unit})"
        return render_fields(name, [self.value])[0]

    def halves(self) -> "tuple[Line, Line] | None":
        """Return two lines that have the text between them; None where it can't be parted."""
        if not isinstance(self.value, str) or len(self.value) < 2:
            return None
        middle = len(self.value) // 2
        parts = self.value[:middle], self.value[middle:]
        return replace(self, value=parts[0]), replace(self, value=parts[1])


def lines_of(name: str, values: Iterable[Any], *, json_texts: bool = False) -> list[Line]:
    """Return the lines for the values of a group, in one order whatever theirs is.

    NULL, and a struct with nothing but NULL, is no value.

    Args:
        name: what the prompt calls a value.
        values: in any order, equal ones several times.
        json_texts: whether the values are JSON texts, to be shown as the JSON that they are.
    """
    known = [json.loads(value) if json_texts else value for value in values if value is not None]
    known = [value for value in known if not _is_empty(value)]
    rendered = render_values(known)
    counts = Counter(rendered)
    first = dict(zip(rendered, known, strict=True))
    return [Line(name, first[text], counts[text]) for text in sorted(counts)]


def lines_of_answers(answers: Iterable[tuple[str, int]]) -> list[Line]:
    """Return the lines for answers in order, equal ones as one.

    Args:
        answers: each with the number of values that it is for.
    """
    counts: dict[str, int] = {}
    for text, count in answers:
        counts[text] = counts.get(text, 0) + count
    return [Line("answer", text, count, "texts") for text, count in counts.items()]


def packed(lines: Sequence[Line], tokens: Sequence[int], most: int, least: int) -> list[list[Line]]:
    """Return the lines in chunks of at most `most` tokens, each as full as can be.

    Args:
        lines: in the order that they keep.
        tokens: of each line.
        most: tokens of a chunk; a line that has more is one alone.
        least: lines that a chunk has even where they are more, except the last.
    """
    chunks: list[list[Line]] = []
    room = 0
    for line, cost in zip(lines, tokens, strict=True):
        if not chunks or (cost > room and len(chunks[-1]) >= least):
            chunks.append([])
            room = most
        chunks[-1].append(line)
        room -= cost
    return chunks


def _is_empty(value: Any) -> bool:
    return isinstance(value, dict) and all(part is None for part in value.values())
