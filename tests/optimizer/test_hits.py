"""Counting what a plan saves, against the real token sequences of its prompts."""

import json
from collections.abc import Sequence

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparkllm_optimizer import (
    CHARACTERS,
    SQUARES,
    Measure,
    PlanOptions,
    RadixCache,
    plan,
    prefix_hits,
)

words = st.text("ab", max_size=4)
tables = (
    st.integers(1, 30)
    .flatmap(
        lambda rows: st.fixed_dictionaries(
            {
                "name": st.lists(words, min_size=rows, max_size=rows),
                "size": st.lists(st.integers(0, 120), min_size=rows, max_size=rows),
                "brand": st.lists(st.none() | words, min_size=rows, max_size=rows),
            }
        )
    )
    .map(pa.table)
)


def tokenize(texts: Sequence[str]) -> list[list[int]]:
    """One token for each byte."""
    return [list(text.encode()) for text in texts]


def prompt(table: pa.Table, row: int, columns: Sequence[str]) -> list[int]:
    lines = [f"{name}: {json.dumps(table[name][row].as_py())}\n" for name in columns]
    return list("".join(lines).encode())


@given(tables, st.sampled_from([None, 64, 200]), st.sampled_from([1, 8]))
@settings(max_examples=60, deadline=None)
def test_the_simulation_agrees_with_the_tokens_of_the_prompts(
    table: pa.Table, budget: int | None, page: int
) -> None:
    options = PlanOptions(measure=Measure(cache_tokens=budget, page=page), tokenize=tokenize)
    planned = plan(table, options)
    cache = RadixCache(budget, page)
    sent = [
        prompt(table, row, group.columns)
        for group in planned.groups
        for row in group.row_ids.tolist()
    ]
    hits = prefix_hits(planned, table, options)
    assert hits.prompt == sum(len(tokens) for tokens in sent)
    assert hits.cached == sum(cache.serve(tokens) for tokens in sent)


@given(tables)
@settings(max_examples=40, deadline=None)
def test_a_plan_walks_its_tree_depth_first_so_a_small_cache_serves_all(table: pa.Table) -> None:
    longest = max(len(prompt(table, row, table.column_names)) for row in range(table.num_rows))
    unbounded = PlanOptions(tokenize=tokenize, column_order="perQuery")
    small = PlanOptions(measure=Measure(cache_tokens=2 * longest), tokenize=tokenize)
    planned = plan(table, unbounded)
    assert (
        prefix_hits(planned, table, small).cached == prefix_hits(planned, table, unbounded).cached
    )


def test_characters_count_whole_equal_values_of_the_row_before() -> None:
    table = pa.table({"a": ["xx", "xx", "y"], "b": ["123", "124", "123"]})
    planned = plan(table, PlanOptions(column_order="asWritten"))
    hits = prefix_hits(planned, table, PlanOptions(measure=CHARACTERS))
    assert (hits.prompt, hits.previous) == (14, 2)
    squares = prefix_hits(planned, table, PlanOptions(measure=SQUARES))
    assert squares.previous == 4


def test_a_common_prefix_is_served_from_the_second_row_on() -> None:
    table = pa.table({"a": ["p", "q", "r"]})
    planned = plan(table, PlanOptions(tokenize=tokenize))
    bare = prefix_hits(planned, table, PlanOptions(tokenize=tokenize))
    options = PlanOptions(measure=Measure(prefix_tokens=10), tokenize=tokenize)
    hits = prefix_hits(planned, table, options)
    assert hits.cached == bare.cached + 2 * 10
    assert hits.prompt == bare.prompt + 3 * 10


def test_rates_are_shares_of_the_prompts() -> None:
    table = pa.table({"a": ["same", "same"]})
    options = PlanOptions(measure=CHARACTERS)
    hits = prefix_hits(plan(table, options), table, options)
    assert hits.cached_rate == hits.previous_rate == pytest.approx(0.5)
