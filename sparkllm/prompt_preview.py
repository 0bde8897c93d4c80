"""`preview`: what the model would be asked, without asking it."""

import html
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sparkllm import configuration

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_SHARED, _OWN = "┃", " "
_BOUNDARY = "⟫"


@dataclass(frozen=True, slots=True)
class PreviewedPrompt:
    """A prompt, cut if it is very long; its first `shared` characters begin the one before, too."""

    text: str
    shared: int

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
        prompts = (f"prompt {i}\n{prompt}" for i, prompt in enumerate(self.prompts, 1))
        return "\n\n".join([self.title, *prompts])


@dataclass(frozen=True, slots=True, repr=False)
class Preview:
    """The calls of a query as prompts.

    Printed, lines that are shared with the prompt before have a bar. Where two prompts part in the
    middle of a line, a mark stands there.
    """

    calls: tuple[PreviewedCall, ...]

    def __str__(self) -> str:
        return "\n\n\n".join(map(str, self.calls)) or "the query made no call"

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        return "".join(
            f"<h4>{html.escape(call.title)}</h4>" + "".join(p.to_html() for p in call.prompts)
            for call in self.calls
        )


def preview(df: "DataFrame", prompts: int = 3, rows: int = 1000) -> Preview:
    """Show the first prompts of a query that calls `llm`, without calling the model.

    The query runs on its first `rows` rows up to the calls: rows are made distinct, ordered and
    rendered as ever, and every answer is NULL. So a condition on an answer keeps no row; the first
    window is shown nevertheless. Nothing is counted in `sparkllm.usage`.

    Args:
        df: a query with calls, in a classic or a Connect session.
        prompts: how many prompts of each call to show, at most 20.
        rows: on how many rows the query runs.

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
    return Preview(tuple(_call(told[:prompts]) for told in ledger.take_preview(name)))


def _call(messages: list[dict[str, Any]]) -> PreviewedCall:
    first = messages[0]
    return PreviewedCall(
        first["task"],
        tuple(first["columns"]),
        first["prompts"],
        first["shared"],
        tuple(PreviewedPrompt(message["text"], message["common"]) for message in messages),
    )
