"""Rows too long for the model, cut until they fit: `overflow => 'truncate'`.

The longest text columns are cut, at their end, to one length; other columns and the instruction
stay. The worker has no tokenizer: the engine says how many tokens a prompt has and may have, and is
asked again with less text until the prompt fits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sparkllm.client import Exchange
from sparkllm.worker.detail import Cut
from sparkllm.worker.previewing import PreviewExchange
from sparkllm.worker.question import Question
from sparkllm.worker.token_count import TokenCountExchange
from sparkllm_engine.errors import RowErrorCode
from sparkllm_optimizer import Group

_ROUNDS = 16
_CAUTION = 0.95
_MARK = "…"


@dataclass(slots=True)
class _Row:
    """An input that is too long: its text columns, and how much of them is left.

    `position` is that among the inputs; `kept` the number of characters that no text exceeds.
    """

    position: int
    texts: dict[str, str]
    kept: int

    @property
    def characters(self) -> int:
        return sum(min(len(text), self.kept) for text in self.texts.values())

    def shorten(self, tokens: int, most: int) -> bool:
        """Keep less, for a prompt of `tokens` where `most` fit; False if nothing is left to cut."""
        if not self.characters:
            return False
        share = most / tokens * _CAUTION if 0 < most < tokens else 0.5
        self.kept = _level(
            [len(text) for text in self.texts.values()], int(self.characters * share)
        )
        return True

    def cut(self) -> Cut:
        return [
            {"column": name, "characters": len(text) - self.kept}
            for name, text in self.texts.items()
            if len(text) > self.kept
        ]

    def value(self, name: str) -> str:
        text = self.texts[name]
        return text if len(text) <= self.kept else text[: self.kept] + _MARK


def ask_shortened(
    question: Question,
    inputs: pa.Table,
    exchange: Exchange | PreviewExchange | TokenCountExchange,
    results: pa.Table,
) -> tuple[pa.Table, dict[int, Cut]]:
    """Ask again for inputs that were too long, with less of their text each time.

    Args:
        question: what is asked.
        inputs: the inputs, in the order of `results`.
        exchange: with the engine.
        results: one row for each input, as from `Pending.result`.

    Returns:
        The results, those of shortened inputs in their places, and what was cut by position.
    """
    waiting = [_row(question, inputs, position) for position in _overflows(results)]
    cut: dict[int, Cut] = {}
    known = results.select(["prompt_tokens", "most_tokens"])
    for _ in range(_ROUNDS):
        waiting = [row for row in waiting if row.shorten(*_sizes(known, row.position))]
        if not waiting:
            break
        answered = exchange.submit(_prompts(question, inputs, waiting)).result()
        results = _replaced(results, answered, [row.position for row in waiting])
        known = results.select(["prompt_tokens", "most_tokens"])
        longer = set(_overflows(answered))
        cut |= {row.position: row.cut() for i, row in enumerate(waiting) if i not in longer}
        waiting = [row for i, row in enumerate(waiting) if i in longer]
    return results, cut


def _overflows(results: pa.Table) -> list[int]:
    long = pc.equal(results.column("error_code"), str(RowErrorCode.OVERFLOW))
    return [int(position) for position in np.flatnonzero(pc.fill_null(long, False).to_numpy())]


def _sizes(known: pa.Table, position: int) -> tuple[int, int]:
    return tuple(column[position].as_py() or 0 for column in known.columns)  # type: ignore[return-value]


def _row(question: Question, inputs: pa.Table, position: int) -> _Row:
    texts = {
        name: inputs.column(name)[position].as_py()
        for name in _text_columns(question, inputs)
        if inputs.column(name)[position].is_valid
    }
    return _Row(position, texts, max(map(len, texts.values()), default=0))


def _text_columns(question: Question, inputs: pa.Table) -> list[str]:
    return [
        field.name
        for field in inputs.schema
        if (pa.types.is_string(field.type) or pa.types.is_large_string(field.type))
        and field.name not in question.call.json_columns
    ]


def _prompts(question: Question, inputs: pa.Table, rows: Sequence[_Row]) -> pa.Array:
    shortened = inputs.take(pa.array([row.position for row in rows]))
    for name in _text_columns(question, inputs):
        values = [row.value(name) if name in row.texts else None for row in rows]
        place = shortened.schema.get_field_index(name)
        shortened = shortened.set_column(place, name, pa.array(values, pa.utf8()))
    group = Group(np.arange(len(rows)), question.call.columns)
    return question.prompts(shortened, [group])


def _replaced(results: pa.Table, answered: pa.Table, positions: Sequence[int]) -> pa.Table:
    places = np.arange(results.num_rows)
    places[list(positions)] = results.num_rows + np.arange(answered.num_rows)
    return pa.concat_tables([results, answered]).take(pa.array(places)).combine_chunks()


def _level(lengths: Sequence[int], total: int) -> int:
    """Return to which length texts must be cut so that they have `total` characters together."""
    left = total
    for count, length in zip(range(len(lengths), 0, -1), sorted(lengths), strict=True):
        if length * count >= left:
            return left // count
        left -= length
    return max(lengths, default=0)
