"""A group on its way to one answer: parts that are asked, their answers, parts of those."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sparkllm.worker.detail import COUNTS
from sparkllm.worker.groups.chunking import Chunking
from sparkllm.worker.groups.lines import Line, lines_of_answers
from sparkllm_engine.errors import RowErrorCode


@dataclass(slots=True)
class Part:
    """Lines that one prompt asks about, and the answer once it is there."""

    lines: list[Line]
    answer: str | None = None

    @property
    def values(self) -> int:
        """How many values of the group it is about."""
        return sum(line.count for line in self.lines)

    def halves(self, *, combining: bool) -> "tuple[Part, Part] | None":
        """Return two smaller parts; None where that would bring nothing."""
        if combining and len(self.lines) < 3:
            return None
        if len(self.lines) == 1:
            parted = self.lines[0].halves()
            return parted and (Part([parted[0]]), Part([parted[1]]))
        middle = (len(self.lines) + 1) // 2
        return Part(self.lines[:middle]), Part(self.lines[middle:])


@dataclass(slots=True)
class Group:
    """One group of a window.

    Attributes:
        parts: of the level under way, in order.
        typed: whether the last answer has a type, and the others are text.
        combining: whether the parts' lines are answers.
        result: columns of `RESULT_SCHEMA` by name, once the group has its answer.
        tokens: spent so far, by the names in `COUNTS`.
    """

    parts: list[Part]
    typed: bool
    combining: bool = False
    result: dict[str, Any] | None = None
    tokens: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))

    @property
    def is_last(self) -> bool:
        """Whether the answer to what is asked now is that of the group."""
        return len(self.parts) == 1

    def asked(self) -> Iterator[Part]:
        """Return the parts to ask; the answer alone in its part is that of the part."""
        for part in self.parts:
            if self.combining and len(part.lines) == 1 and not self.is_last:
                part.answer = part.lines[0].value
            elif part.answer is None:
                yield part

    def take(self, part: Part, answer: Mapping[str, Any], *, shared: bool) -> None:
        """Take the answer to a part, a row of the engine's results.

        Args:
            part: of this level, not answered yet.
            answer: columns of `RESULT_SCHEMA` by name.
            shared: whether another part has paid for it.
        """
        if self.result is not None:
            return
        if not (shared or answer["reused"]):
            for name in COUNTS:
                self.tokens[name] += answer[name] or 0
        if self.is_last and answer["error_code"] != RowErrorCode.OVERFLOW:
            self.result = dict(answer)
        elif answer["error_code"] is None and answer["text"] is not None:
            part.answer = answer["text"]
        else:
            self._part_failed(part, answer)

    def advance(self, chunking: Chunking) -> None:
        """Make parts of the answers, once all parts are answered."""
        if self.result is not None or any(part.answer is None for part in self.parts):
            return
        lines = lines_of_answers((part.answer or "", part.values) for part in self.parts)
        if len(lines) == 1 and not self.typed:
            self.result = {"text": lines[0].value, "finish_reason": "stop"}
            return
        self.parts = [Part(chunk) for chunk in chunking.answers(lines)]
        self.combining = True

    def _part_failed(self, part: Part, answer: Mapping[str, Any]) -> None:
        place = next(place for place, other in enumerate(self.parts) if other is part)
        halves = None
        if answer["error_code"] == RowErrorCode.OVERFLOW:
            halves = part.halves(combining=self.combining)
        if halves:
            self.parts[place : place + 1] = halves
            return
        self.result = dict(answer)
        if not self.is_last and answer["error_message"]:
            what = f"part {place + 1} of {len(self.parts)}, {part.values} values of the group"
            self.result["error_message"] = f"{what}: {answer['error_message']}"
