"""Random expressions with calls, each written twice: for `llm`, and for Spark without sparkllm.

The engine of these tests (`tests.engines:ChoosingEngine`) answers with a digest of the prompt, or
with the label that the digest falls on. Plain SQL has both, so every expression can be written
without a call, and Spark itself says what its value is.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

TYPES = {"int": "INT", "text": "STRING", "bool": "BOOLEAN"}
_LITERALS = {"int": ("0", "1", "2"), "text": ("'red'", "'m'", "''"), "bool": ("true", "false")}
_INSTRUCTIONS = {"text": ("Sum it up", "Say why"), "int": ("Count stars",), "bool": ("Is it so",)}
_OPTIONS = {
    "text": "",
    "int": ", labels => array('1', '2', '3', '4'), returns => 'INT'",
    "bool": ", returns => 'BOOLEAN'",
}
_OPERATORS = {
    "text": ("upper({text})", "concat({text}, {text})", "nullif({text}, {text})"),
    "int": ("length({text})", "({int} + {int})", "nullif({int}, {int})"),
    "bool": (
        "({bool} AND {bool})", "({bool} AND {bool})", "({bool} OR {bool})", "(NOT {bool})",
        "({text} = {text})", "({text} < {text})", "({int} > {int})", "({text} IS NULL)",
        "({int} <=> {int})", "({text} IN ('red', {text}))", "({text} LIKE '%e%')",
    ),
}  # fmt: skip
_CONDITIONALS = (
    "CASE WHEN {bool} THEN {same} ELSE {same} END",
    "CASE WHEN {bool} THEN {same} WHEN {bool} THEN {same} END",
    "CASE {int} WHEN 1 THEN {same} ELSE {same} END",
    "IF({bool}, {same}, {same})",
    "coalesce({same}, {same})",
    "CASE WHEN {column} <> 0 THEN {dividing} END",
)


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL: with calls of `llm`, and with what answers them in plain SQL."""

    ours: str
    plain: str

    @classmethod
    def same(cls, text: str) -> "Sql":
        """A piece without a call."""
        return cls(text, text)


@dataclass(frozen=True, slots=True)
class Column:
    """A column that an expression can name; `kind` is int, text or bool."""

    name: str
    kind: str
    sql: Sql


def sql(template: str, *parts: Sql) -> Sql:
    """Put pieces into the `{}` of a template."""
    return Sql(
        template.format(*(part.ours for part in parts)),
        template.format(*(part.plain for part in parts)),
    )


def joined(separator: str, parts: Sequence[Sql]) -> Sql:
    """Put a separator between pieces."""
    return sql(separator.join("{}" for _ in parts), *parts)


def call(instruction: str, arguments: Sequence[Column], kind: str) -> Sql:
    """Write a call whose answer is a digest (text), 1 to 4 (int) or a truth value (bool)."""
    lines = ", ".join(f"'{part.name}: ', {_json(part)}, '\\n'" for part in arguments)
    digest = f"substr(sha2(concat('{instruction}\\n\\n', {lines}), 256), 1, 16)"
    number = f"CAST(conv(right({digest}, 1), 16, 10) AS INT)"
    answers = {"text": digest, "int": f"({number} % 4 + 1)", "bool": f"({number} % 2 = 0)"}
    known = " OR ".join(f"({part.sql.plain}) IS NOT NULL" for part in arguments)
    given = ", ".join(part.sql.ours for part in arguments)
    return Sql(
        f"llm('{instruction}', {given}{_OPTIONS[kind]})",
        f"CASE WHEN {known} THEN {answers[kind]} END",
    )


def _json(argument: Column) -> str:
    quote = "'\"'" if argument.kind == "text" else "''"
    return f"coalesce(concat({quote}, CAST({argument.sql.plain} AS STRING), {quote}), 'null')"


class Draw:
    """Draws of one example of hypothesis."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self._draw = draw

    def one(self, *choices: Any) -> Any:
        """Draw one of these."""
        return self._draw(st.sampled_from(choices))

    def chance(self, share: float) -> bool:
        """Draw true in this share of all cases; shrinks to false."""
        return bool(self._draw(st.integers(0, 99)) >= round(100 * (1 - share)))

    def number(self, low: int, high: int) -> int:
        """Draw a number; both bounds are possible."""
        return int(self._draw(st.integers(low, high)))

    def kinds(self, most: int) -> list[str]:
        """Draw one to `most` kinds of columns."""
        return [self.one(*TYPES) for _ in range(self.number(1, most))]

    def order(self, count: int) -> list[int]:
        """Draw an order of `count` positions."""
        return list(self._draw(st.permutations(range(count))))

    def expression(self, scope: Sequence[Column], kind: str, depth: int) -> Sql:
        """Draw an expression over the columns of `scope`, with parts `depth` levels deep."""
        shape = self.one("simple", "call", "call", "operator", "conditional")
        if shape == "simple" or depth == 0:
            return self._simple(scope, kind)
        if shape == "call":
            return self._call(scope, kind, depth)
        template = self.one(*(_OPERATORS[kind] if shape == "operator" else _CONDITIONALS))
        return self._filled(template, scope, kind, depth - 1)

    def _simple(self, scope: Sequence[Column], kind: str) -> Sql:
        columns = [column.sql for column in scope if column.kind == kind]
        null = f"CAST(NULL AS {TYPES[kind]})"
        return self.one(*columns, *map(Sql.same, (*_LITERALS[kind], null)))  # type: ignore[no-any-return]

    def _filled(self, template: str, scope: Sequence[Column], kind: str, depth: int) -> Sql:
        """Fill a template; in `{dividing}`, parts would fail if `{column}` were 0."""
        numbers = [column.sql for column in scope if column.kind == "int"]
        column = self.one(*numbers) if numbers else Sql.same("1")
        ours, plain = {}, {}
        pieces = template.replace("{same}", "{" + kind + "}")
        for number, place in enumerate(pieces.split("{")[1:]):
            name = place.partition("}")[0]
            if name == "column":
                part = column
            elif name == "dividing":
                ratio = Column("col1", "int", sql("(6 div {})", column))
                part = call(_INSTRUCTIONS[kind][0], [ratio], kind)
            else:
                part = self.expression(scope, name, depth)
            ours[f"p{number}"], plain[f"p{number}"] = part.ours, part.plain
            pieces = pieces.replace("{" + name + "}", "{" + f"p{number}" + "}", 1)
        return Sql(pieces.format(**ours), pieces.format(**plain))

    def _call(self, scope: Sequence[Column], kind: str, depth: int) -> Sql:
        named = [column for column in scope if column.kind != "bool" or self.chance(0.5)]
        arguments: list[Column] = []
        for position in range(self.number(1, 2)):
            taken = {argument.name for argument in arguments}
            free = [column for column in named if column.name not in taken]
            if free and self.chance(0.7):
                arguments.append(self.one(*free))
            else:
                of = self.one("text", "int")
                value = sql("concat({}, '')" if of == "text" else "({} + 0)",
                            self.expression(scope, of, depth - 1))  # fmt: skip
                arguments.append(Column(f"col{position + 1}", of, value))
        return call(self.one(*_INSTRUCTIONS[kind]), arguments, kind)
