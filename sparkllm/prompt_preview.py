"""`preview`: what the model would be asked, without asking it, or for a few rows with answers."""

import html
import io
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sparkllm import configuration

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from sparkllm.ledger import Ledger

_SHARED, _OWN = "┃", " "
_BOUNDARY = "⟫"


@dataclass(frozen=True, slots=True)
class PreviewedPrompt:
    """A prompt, cut if it is very long; its first `shared` characters begin the one before, too.

    `tokens` are those of the whole text, without the model's chat template; None where its
    tokenizer is not on the worker's machine.
    """

    text: str
    shared: int
    tokens: int | None = None

    @property
    def title(self) -> str:
        """Its tokens, for people."""
        return "" if self.tokens is None else f" · {self.tokens:,} tokens"

    def __str__(self) -> str:
        lines = []
        start = 0
        for line in self.text.splitlines(keepends=True):
            inside = self.shared - start
            start += len(line)
            bare = line.rstrip("\n")
            if 0 < inside < len(bare):
                bare = bare[:inside] + _BOUNDARY + bare[inside:]
            lines.append(f"{_SHARED if inside > 0 else _OWN} {bare}")
        return "\n".join(lines)

    def to_html(self) -> str:
        """Return the prompt with its shared part marked, as HTML."""
        shared, own = html.escape(self.text[: self.shared]), html.escape(self.text[self.shared :])
        return f"<pre><mark>{shared}</mark>{own}</pre>"


@dataclass(frozen=True, slots=True)
class PreviewedCall:
    """One call of a query: the first of its prompts in the order in which they would be sent.

    `window` prompts were planned together; `shared` is the share of their characters in whole
    fields (or the instruction) that begin the prompt before as well.
    """

    task: str
    columns: tuple[str, ...]
    window: int
    shared: float
    prompts: tuple[PreviewedPrompt, ...]

    @property
    def title(self) -> str:
        """What is called on what, and how much its prompts share."""
        task = self.task if len(self.task) <= 60 else f"{self.task[:59]}…"
        called = f"llm({task!r}, {', '.join(self.columns)})"
        return f"{called}: {self.window:,} prompts in the first window, {self.shared:.0%} shared"

    def __str__(self) -> str:
        prompts = (
            f"prompt {i}{prompt.title}\n{prompt}" for i, prompt in enumerate(self.prompts, 1)
        )
        return "\n\n".join([self.title, *prompts])


@dataclass(frozen=True, slots=True)
class PreviewedAnswers:
    """The first rows of a query's result, in `columns`, how long they took, and what they cost."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    seconds: float
    usage: str

    @property
    def title(self) -> str:
        """Time and cost, for people."""
        return f"{len(self.rows):,} rows in {self.seconds:.1f} s: {self.usage}"

    def __str__(self) -> str:
        table = Table(*self.columns, box=None)
        for row in self.rows:
            table.add_row(*(Text("NULL" if value is None else str(value)) for value in row))
        written = io.StringIO()
        Console(file=written, width=120).print(table)
        return f"{self.title}\n{written.getvalue().rstrip()}"

    def to_html(self) -> str:
        """Return the rows as an HTML table."""
        head = "".join(f"<th>{html.escape(name)}</th>" for name in self.columns)
        rows = "".join(
            f"<tr>{''.join(f'<td>{html.escape(str(value))}</td>' for value in row)}</tr>"
            for row in self.rows
        )
        return f"<h4>{html.escape(self.title)}</h4><table><tr>{head}</tr>{rows}</table>"


@dataclass(frozen=True, slots=True, repr=False)
class Preview:
    """The calls of a query as prompts, and the first answers if they were asked for.

    Printed, lines that are shared with the prompt before have a bar. Where two prompts part in the
    middle of a line, a mark stands there.
    """

    calls: tuple[PreviewedCall, ...]
    answers: PreviewedAnswers | None = None

    def __str__(self) -> str:
        calls = "\n\n\n".join(map(str, self.calls)) or "the query made no call"
        return calls if self.answers is None else f"{calls}\n\n\n{self.answers}"

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return "".join(
            f"<h4>{html.escape(call.title)}</h4>" + "".join(p.to_html() for p in call.prompts)
            for call in self.calls
        ) + ("" if self.answers is None else self.answers.to_html())


def preview(df: "DataFrame", prompts: int = 3, rows: int = 1000, answers: int = 0) -> Preview:
    """Show the first prompts of a query that calls `llm`, without calling the model.

    The query runs on its first `rows` rows up to the calls: rows are made distinct, ordered and
    rendered as ever, and every answer is NULL. So a condition on an answer keeps no row; the first
    window is shown nevertheless. Nothing is counted in `sparkllm.usage`.

    Args:
        df: a query with calls, in a classic or a Connect session.
        prompts: how many prompts of each call to show, at most 20.
        rows: on how many rows the query runs.
        answers: how many rows of its result to show besides, answered by the model as ever; they
            are counted.

    Raises:
        UsageUnavailableError: the session is one of a Spark Connect server on another machine,
            whose workers can't tell this process their prompts.
    """
    from sparkllm import usage

    spark: Any = df.sparkSession
    ledger = usage(spark)
    name = secrets.token_hex(16)
    tag = configuration.PREVIEW_TAG + name
    spark.addTag(tag)
    try:
        df.limit(rows).collect()
    finally:
        spark.removeTag(tag)
    calls = tuple(_call(told[:prompts]) for told in ledger.take_preview(name))
    return Preview(calls, _answered(df, answers, ledger) if answers else None)


def _answered(df: "DataFrame", rows: int, ledger: "Ledger") -> PreviewedAnswers:
    began = time.monotonic()
    found = df.limit(rows).collect()
    seconds = time.monotonic() - began
    shown = tuple(tuple(row) for row in found)
    return PreviewedAnswers(tuple(df.columns), shown, seconds, str(ledger.last))


def _call(messages: list[dict[str, Any]]) -> PreviewedCall:
    first = messages[0]
    return PreviewedCall(
        first["task"],
        tuple(first["columns"]),
        first["prompts"],
        first["shared"],
        tuple(
            PreviewedPrompt(message["text"], message["common"], message["tokens"])
            for message in messages
        ),
    )
