"""Random queries with calls over two small tables with NULLs and equal rows everywhere."""

from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.catalyst.generated_expressions import TYPES, Column, Draw, Sql, joined, sql

TABLES = {
    "a": (
        "id INT, k INT, x STRING, y STRING",
        [
            (1, 1, "red", "p"), (2, 1, "red", "q"), (3, 2, None, "p"), (4, 2, "blue", None),
            (5, None, "blue", "p"), (6, 0, None, None), (7, 0, "as green as grass in May", "q"),
            (8, 3, "red", "p"),
            (None, 3, "as green as grass in May", None), (10, None, None, "r"), (11, 1, "red", "p"),
            (12, 2, "", "q"),
        ],
    ),
    "b": (
        "id INT, k INT, x STRING, z BOOLEAN",
        [
            (1, 1, "red", True), (2, 1, "blue", None), (3, None, "red", False), (4, 2, None, True),
            (None, 0, None, None), (6, 4, "as green as grass in May", False), (7, 2, "blue", True),
        ],
    ),
}  # fmt: skip
_KINDS = {
    "a": {"id": "int", "k": "int", "x": "text", "y": "text"},
    "b": {"id": "int", "k": "int", "x": "text", "z": "bool"},
}
_AGGREGATES = (
    ("int", "count({})"), ("int", "count(DISTINCT {})"), ("text", "max({})"), ("text", "min({})"),
    ("int", "sum({})"), ("int", "max({})"),
)  # fmt: skip
_WINDOW_FUNCTIONS = ("rank()", "dense_rank()", "count(*)", "count({})")
_SETS = ("UNION ALL", "UNION ALL", "UNION", "EXCEPT", "EXCEPT ALL", "INTERSECT")
_JOINS = ("INNER", "INNER", "LEFT", "RIGHT", "FULL", "LEFT SEMI", "LEFT ANTI")


@dataclass(frozen=True, slots=True)
class Relation:
    """A query, or what stands after FROM, with its columns."""

    sql: Sql
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """A query whose rows are to be compared.

    `keys` are the positions of the columns that order it, `limit` and `offset` what is left of it.
    """

    rows: Sql
    keys: tuple[int, ...]
    limit: int | None
    offset: int

    @property
    def ours(self) -> str:
        """The whole query, with calls."""
        limit = "" if self.limit is None else f" LIMIT {self.limit}"
        return self.rows.ours + limit + (f" OFFSET {self.offset}" if self.offset else "")


@st.composite
def queries(draw: st.DrawFn) -> Query:
    """Queries with calls in any place where Spark and sparkllm allow them."""
    return _Writer(Draw(draw)).query()


class _Writer:
    """Writes one query. Each relation and each result has a name of its own."""

    def __init__(self, draw: Draw) -> None:
        self._draw = draw
        self._names = 0

    def query(self) -> Query:
        relation = self._query(2)
        keys: tuple[int, ...] = ()
        rows = relation.sql
        if self._draw.chance(0.5):
            count = self._draw.number(1, len(relation.columns))
            keys = tuple(self._draw.order(len(relation.columns))[:count])
            rows = sql(f"SELECT * FROM ({{}}) ORDER BY {self._order(keys)}", rows)
        else:
            rows = sql("SELECT * FROM ({})", rows)
        limit = self._draw.number(0, 9) if self._draw.chance(0.4) else None
        offset = self._draw.number(0, 3) if limit is not None and self._draw.chance(0.3) else 0
        return Query(rows, keys, limit, offset)

    def _name(self, stem: str) -> str:
        self._names += 1
        return f"{stem}{self._names}"

    def _order(self, positions: Sequence[int]) -> str:
        ways = ("", " DESC", " NULLS LAST", " DESC NULLS FIRST")
        return ", ".join(f"{position + 1}{self._draw.one(*ways)}" for position in positions)

    def _query(self, depth: int) -> Relation:
        deep = ("set", "top") if depth > 0 else ()
        match self._draw.one("select", "select", "distinct", "groups", "total", "window", *deep):
            case "set":
                return self._set_operation(depth)
            case "top":
                return self._top(self._query(depth - 1))
            case "groups":
                return self._groups(*self._filtered(depth))
            case "total":
                scope, rows = self._filtered(depth)
                parts = [self._aggregate(scope) for _ in range(self._draw.number(1, 3))]
                return self._selected("SELECT", parts, rows)
            case "window":
                scope, rows = self._filtered(depth)
                parts = [self._window(scope), *self._expressions(scope, 1, 1)]
                return self._selected("SELECT", parts, rows)
            case shape:
                scope, rows = self._filtered(depth)
                word = "SELECT DISTINCT" if shape == "distinct" else "SELECT"
                return self._selected(word, self._expressions(scope, 3, 2), rows)

    def _expressions(self, scope: Sequence[Column], most: int, depth: int) -> list[tuple[str, Sql]]:
        kinds = self._draw.kinds(most)
        return [(kind, self._draw.expression(scope, kind, depth)) for kind in kinds]

    def _selected(
        self, word: str, parts: Sequence[tuple[str, Sql]], rows: Sql, end: Sql | None = None
    ) -> Relation:
        names = [self._name("c") for _ in parts]
        columns = [
            Column(name, kind, Sql.same(name)) for name, (kind, _) in zip(names, parts, strict=True)
        ]
        results = joined(
            ", ",
            [
                sql(f"CAST({{}} AS {TYPES[kind]}) AS {name}", part)
                for name, (kind, part) in zip(names, parts, strict=True)
            ],
        )
        text = sql(f"{word} {{}} FROM {{}}{{}}", results, rows, end or Sql.same(""))
        return Relation(text, tuple(columns))

    def _top(self, inner: Relation) -> Relation:
        """The first rows of a total order: which rows these are doesn't depend on the plan."""
        order = self._order(range(len(inner.columns)))
        limit = self._draw.number(1, 7)
        text = sql(f"SELECT * FROM ({{}}) ORDER BY {order} LIMIT {limit}", inner.sql)
        return Relation(text, inner.columns)

    def _set_operation(self, depth: int) -> Relation:
        kinds = self._draw.kinds(2)
        parts = []
        for _ in range(2):
            scope, rows = self._filtered(depth - 1)
            values = [(kind, self._draw.expression(scope, kind, 2)) for kind in kinds]
            parts.append(self._selected("SELECT", values, rows))
        text = sql(f"({{}}) {self._draw.one(*_SETS)} ({{}})", *(part.sql for part in parts))
        return Relation(sql("SELECT * FROM ({})", text), parts[0].columns)

    def _filtered(self, depth: int) -> tuple[tuple[Column, ...], Sql]:
        source = self._source(depth)
        predicates = [
            self._draw.expression(source.columns, "bool", 2) for _ in range(self._draw.number(0, 2))
        ]
        if depth > 0 and self._draw.chance(0.25):
            predicates.append(self._subquery_predicate(source.columns))
        if not predicates:
            return source.columns, source.sql
        return source.columns, sql("{} WHERE {}", source.sql, joined(" AND ", predicates))

    def _source(self, depth: int) -> Relation:
        match self._draw.one("table", "table", *(("query", "join") if depth > 0 else ())):
            case "query":
                return self._named(self._query(depth - 1))
            case "join":
                return self._join(self._source(depth - 1), self._source(depth - 1))
            case _:
                return self._table()

    def _table(self) -> Relation:
        table, alias = self._draw.one(*_KINDS), self._name("t")
        columns = (
            Column(name, kind, Sql.same(f"{alias}.{name}")) for name, kind in _KINDS[table].items()
        )
        return Relation(Sql.same(f"{table} {alias}"), tuple(columns))

    def _named(self, query: Relation) -> Relation:
        alias = self._name("q")
        columns = (
            Column(column.name, column.kind, Sql.same(f"{alias}.{column.name}"))
            for column in query.columns
        )
        return Relation(sql(f"({{}}) {alias}", query.sql), tuple(columns))

    def _join(self, left: Relation, right: Relation) -> Relation:
        kind = self._draw.one(*_JOINS)
        pairs = [
            sql("{} = {}", one.sql, other.sql)
            for one in left.columns
            for other in right.columns
            if one.kind == other.kind and one.kind != "bool"
        ]
        condition = self._draw.one(*pairs) if pairs else Sql.same("true")
        if self._draw.chance(0.4):
            # A call over both sides of an outer or anti join is an error of the analyzer.
            over_both = kind in ("INNER", "LEFT SEMI")
            scope = left.columns + right.columns
            scope = scope if over_both else self._draw.one(left, right).columns
            condition = sql("{} AND {}", condition, self._draw.expression(scope, "bool", 1))
        shown = left.columns if kind in ("LEFT SEMI", "LEFT ANTI") else left.columns + right.columns
        return Relation(
            sql(f"{{}} {kind} JOIN ({{}}) ON {{}}", left.sql, right.sql, condition), shown
        )

    def _groups(self, scope: Sequence[Column], rows: Sql) -> Relation:
        keys = [
            (kind, sql(f"CAST({{}} AS {TYPES[kind]})", key))  # a bare number would be a position
            for kind, key in self._expressions(scope, 2, 1)
        ]
        aggregates = [self._aggregate(scope) for _ in range(self._draw.number(1, 2))]
        end = sql(" GROUP BY {}", joined(", ", [key for _, key in keys]))
        if self._draw.chance(0.3):
            end = sql("{} HAVING count({}) > 1", end, self._draw.expression(scope, "text", 1))
        return self._selected("SELECT", [*keys, *aggregates], rows, end)

    def _aggregate(self, scope: Sequence[Column]) -> tuple[str, Sql]:
        kind, template = self._draw.one(*_AGGREGATES)
        argument = self._draw.one(*TYPES) if "count" in template else kind
        aggregate = sql(template, self._draw.expression(scope, argument, 1))
        if self._draw.chance(0.3):
            condition = self._draw.expression(scope, "bool", 1)
            aggregate = sql("{} FILTER (WHERE {})", aggregate, condition)
        return kind, aggregate

    def _window(self, scope: Sequence[Column]) -> tuple[str, Sql]:
        function = self._draw.one(*_WINDOW_FUNCTIONS)
        [(_, argument)] = self._expressions(scope, 1, 1)
        [(_, partition)] = self._expressions(scope, 1, 1)
        [(_, order)] = self._expressions(scope, 1, 1)
        value = sql(function, argument) if "{}" in function else Sql.same(function)
        return "int", sql("{} OVER (PARTITION BY {} ORDER BY {})", value, partition, order)

    def _subquery_predicate(self, scope: Sequence[Column]) -> Sql:
        inner = self._table()
        if self._draw.chance(0.5):
            kind = self._draw.one("int", "text")
            wanted = self._draw.expression(scope, kind, 1)
            given = self._draw.expression(inner.columns, kind, 1)
            word = self._draw.one("IN", "IN", "NOT IN")
            return sql(f"{{}} {word} (SELECT {{}} FROM {{}})", wanted, given, inner.sql)
        outer = [column.sql for column in scope if column.kind == "int"]
        condition = self._draw.expression(inner.columns, "bool", 1)
        if outer:
            key = sql("{} = {}", inner.columns[1].sql, self._draw.one(*outer))
            condition = sql("{} AND {}", key, condition)
        word = self._draw.one("EXISTS", "NOT EXISTS")
        return sql(f"{word} (SELECT 1 FROM {{}} WHERE {{}})", inner.sql, condition)
