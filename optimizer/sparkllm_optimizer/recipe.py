"""A plan learned on a sample that applies to rows not seen yet."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from sparkllm_optimizer.arrangement import Fields, arrange, saved_by_row, sort_rows
from sparkllm_optimizer.cells import Cells, weigh
from sparkllm_optimizer.encoding import EncodedTable, Integers, encode_table
from sparkllm_optimizer.options import PlanOptions
from sparkllm_optimizer.orders.fixed import best_single_order
from sparkllm_optimizer.orders.peeling import peel
from sparkllm_optimizer.plan import Plan, plan_of

_GROUPS = 64
_SMALLEST = 8
_BEAM = 4


@dataclass(frozen=True, slots=True)
class Rule:
    """Rows whose `column` renders as `text` name their fields in the order of `columns`."""

    column: str
    text: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Field orders for any row of a table: the first rule that fits, else the default order.

    It is small and has a JSON form, so a driver can learn it and every executor apply it.
    """

    default: tuple[str, ...]
    rules: tuple[Rule, ...] = ()

    def to_json(self) -> str:
        """Return the recipe as JSON text."""
        rules = [{"column": r.column, "text": r.text, "columns": r.columns} for r in self.rules]
        return json.dumps({"default": self.default, "rules": rules}, ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> "Recipe":
        """Read a recipe from its JSON text."""
        read: Mapping[str, Any] = json.loads(text)
        rules = (Rule(r["column"], r["text"], tuple(r["columns"])) for r in read["rules"])
        return Recipe(tuple(read["default"]), tuple(rules))


def learn(sample: pa.Table, options: PlanOptions | None = None) -> Recipe:
    """Learn field orders from a sample of a table's rows.

    Rules come from the largest groups of equal values, each with the single order that is best
    inside it, and stay only where that order saves more on the sample than the default does.
    """
    options = options or PlanOptions()
    encoded = encode_table(sample)
    cells = weigh(encoded, options.measure, options.tokenize, options.render)
    if options.column_order == "asWritten":
        return Recipe(cells.names)
    default = best_single_order(cells, _BEAM)
    order = tuple(cells.names[column] for column in default)
    if options.column_order == "perQuery" or cells.rows < 2 * _SMALLEST:
        return Recipe(order)
    recipe = Recipe(order, _rules(cells, encoded, default, options))
    with_rules = _saved(recipe, cells, encoded, options)
    return recipe if with_rules > _saved(Recipe(order), cells, encoded, options) else Recipe(order)


def apply(recipe: Recipe, table: pa.Table, options: PlanOptions | None = None) -> Plan:
    """Plan a table by a recipe, in one sort; its columns must be those of the sample."""
    options = options or PlanOptions()
    encoded = encode_table(table)
    cells = weigh(encoded, options.measure, options.tokenize, options.render)
    return plan_of(arrange(cells, _fields(recipe, encoded, options)), cells.names)


def _saved(recipe: Recipe, cells: Cells, encoded: EncodedTable, options: PlanOptions) -> int:
    return int(saved_by_row(arrange(cells, _fields(recipe, encoded, options)), cells).sum())


def _fields(recipe: Recipe, encoded: EncodedTable, options: PlanOptions) -> Fields:
    place = {name: column for column, name in enumerate(encoded.names)}
    fields = np.empty((encoded.rows, len(place)), np.int16)
    fields[:] = [place[name] for name in recipe.default]
    open_rows = np.ones(encoded.rows, bool)
    texts: dict[int, list[str]] = {}
    for rule in recipe.rules:
        column = place[rule.column]
        if column not in texts:
            texts[column] = options.render(rule.column, encoded.dictionaries[column].to_pylist())
        if rule.text not in texts[column]:
            continue
        fits = open_rows & (encoded.codes[column] == texts[column].index(rule.text))
        fields[fits] = [place[name] for name in rule.columns]
        open_rows &= ~fits
    return fields


def _rules(
    cells: Cells, encoded: EncodedTable, default: tuple[int, ...], options: PlanOptions
) -> tuple[Rule, ...]:
    nested = peel(cells, max(_SMALLEST, cells.rows // _GROUPS))
    if len(nested) < 2:
        return ()
    rules = []
    for rows in _groups(nested[1]):
        part = cells.take(rows)
        column = _peeled_column(cells, rows)
        if column is None:
            continue
        own = best_single_order(part, _BEAM)
        own = (column, *(c for c in own if c != column))
        gain = saved_by_row(sort_rows(part, own), part).sum()
        if gain > saved_by_row(sort_rows(part, default), part).sum():
            value = encoded.dictionaries[column][int(encoded.codes[column][rows[0]])].as_py()
            text = options.render(cells.names[column], [value])[0]
            rules.append(Rule(cells.names[column], text, tuple(cells.names[c] for c in own)))
    return tuple(rules)


def _groups(labels: Integers) -> list[Integers]:
    """The rows of each group, largest group first."""
    order = np.argsort(labels, kind="stable").astype(np.int64)
    cuts = np.flatnonzero(np.diff(labels[order])) + 1
    return sorted(np.split(order, cuts), key=lambda rows: -len(rows))


def _peeled_column(cells: Cells, rows: Integers) -> int | None:
    """The column whose one value is worth most among those that all these rows share."""
    codes = cells.codes[rows]
    shared = np.flatnonzero((codes == codes[0]).all(0))
    if len(shared) == 0:
        return None
    return int(max(shared.tolist(), key=lambda column: cells.widths[column][codes[0, column]]))
