"""How a function reads in SQL, and what its docstring says, section by section."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from textwrap import dedent, indent
from typing import Any

_HEADING = re.compile(r"^(Args|Returns|Example|SQL):$", re.MULTILINE)
_STATEMENT = re.compile(r"^> ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class SqlExample:
    """A query, and the one value that it returns, None where that is the model's affair."""

    query: str
    result: str | None


@dataclass(frozen=True, slots=True)
class Signature:
    """A function of the DataFrame API with its twin in SQL.

    Attributes:
        function: of the DataFrame API.
        task: that it calls, empty for `llm`.
        positional: the options that may follow the text without their names.
        instructed: whether an instruction comes first, and columns follow.
        paired: whether two texts come first, each of which is asked about.
    """

    function: Callable[..., Any]
    task: str
    positional: tuple[str, ...] = ()
    instructed: bool = False
    paired: bool = False

    @property
    def name(self) -> str:
        """The name, in SQL and in Python."""
        return self.function.__name__

    @property
    def sql(self) -> str:
        """The call as SQL documentation writes it."""
        first = "task, column, ..." if not self.task else "text"
        if self.instructed:
            first = "instruction, column, ..."
        if self.paired:
            first = "a, b"
        arguments = ", ".join((first, *self.positional))
        return f"{self.name}({arguments} [, option => value, ...])"

    def sections(self) -> dict[str, str]:
        """Return the docstring: `Summary`, `Text`, and each headed section, without indentation."""
        parts = _HEADING.split(inspect.getdoc(self.function) or "")
        summary, _, text = parts[0].partition("\n")
        named = dict(zip(parts[1::2], map(_dedented, parts[2::2]), strict=True))
        return {"Summary": summary.strip(), "Text": text.strip(), **named}

    def sql_examples(self) -> list[SqlExample]:
        """Return the examples in SQL."""
        found = []
        for statement in _STATEMENT.split(self.sections()["SQL"])[1:]:
            query, _, result = statement.partition(";")
            found.append(SqlExample(" ".join(query.split()), result.strip() or None))
        return found

    def declaration(self) -> dict[str, Any]:
        """Return what the Catalyst extension is told of the function."""
        sections = self.sections()
        examples = "\n".join(
            f"> {example.query};" + (f"\n {example.result}" if example.result else "")
            for example in self.sql_examples()
        )
        return {
            "name": self.name,
            "task": self.task,
            "positional": list(self.positional),
            "instructed": self.instructed,
            "paired": self.paired,
            "usage": f"{self.sql} - {sections['Summary']} {' '.join(sections['Text'].split())}",
            "arguments": _block("Arguments", sections["Args"]),
            "examples": _block("Examples", examples.replace(self.name, "_FUNC_")),
        }


def _dedented(text: str) -> str:
    return dedent(text.strip("\n")).rstrip()


def _block(title: str, text: str) -> str:
    """A section in the layout that Spark wants of a function's description."""
    return f"\n    {title}:\n{indent(text, ' ' * 6)}\n  "
