"""Prompts as lists of pieces: what the engine reads when it joins them."""

import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa

from sparkllm.tasks import Call, prompt_for
from sparkllm.worker.rendering import render
from sparkllm_optimizer import Group, plan


def _texts(call: Call, rows: pa.Table, groups: list[Group] | None = None) -> list[str]:
    prompts = render(prompt_for(call), rows, groups or list(plan(rows).groups))
    assert prompts.type == pa.list_(pa.dictionary(pa.int32(), pa.utf8()))
    return ["".join(pieces) for pieces in prompts.to_pylist()]


def _as_written(rows: pa.Table) -> list[Group]:
    return [Group(np.arange(rows.num_rows), tuple(rows.column_names))]


def test_classify_renders_instruction_then_field() -> None:
    rows = pa.table({"review": ["nice", 'so "so"\n']})
    call = Call("classify", ("review",), {"labels": ["a", "b"]})
    head = "Classify the input. Answer with one of these labels:\n- a\n- b\n\n"
    assert _texts(call, rows, _as_written(rows)) == [
        head + 'review: "nice"\n',
        head + 'review: "so \\"so\\"\\n"\n',
    ]


def test_slots_are_filled_where_they_stand() -> None:
    rows = pa.table({"a": ["x", "y"], "b": [1, None]})
    call = Call("Is {a} more than {b}, {a}?", ("a", "b"))
    assert _texts(call, rows, _as_written(rows)) == [
        'Is "x" more than 1, "x"?\n',
        'Is "y" more than null, "y"?\n',
    ]


def test_each_group_has_its_own_order_of_rows_and_fields() -> None:
    rows = pa.table({"a": ["x", "y", "z"], "b": [1, 2, 3]})
    groups = [Group(np.array([2, 0]), ("b", "a")), Group(np.array([1]), ("a", "b"))]
    texts = _texts(Call("Look at this", ("a", "b")), rows, groups)
    assert [text.split("\n\n")[1] for text in texts] == [
        'b: 3\na: "z"\n', 'b: 1\na: "x"\n', 'a: "y"\nb: 2\n',
    ]  # fmt: skip


def test_a_cell_is_one_piece_for_all_rows_that_have_it() -> None:
    rows = pa.table({"a": ["x"] * 50 + ["y"] * 50})
    prompts = render(prompt_for(Call("classify", ("a",))), rows, _as_written(rows))
    assert len(prompts.values.dictionary) == 3


def test_values_of_all_types_can_be_rendered() -> None:
    rows = pa.table(
        {
            "day": [datetime.date(2024, 2, 29)],
            "price": pa.array([Decimal("1.50")]),
            "tags": pa.array([["a", "b"]]),
            "more": pa.array([{"k": 1}]),
            "pairs": pa.array([[("k", 1)]], pa.map_(pa.utf8(), pa.int64())),
        }
    )
    call = Call("Look at this", tuple(rows.column_names))
    assert _texts(call, rows, _as_written(rows))[0].split("\n\n")[1].splitlines() == [
        'day: "2024-02-29"',
        "price: 1.50",
        'tags: ["a", "b"]',
        'more: {"k": 1}',
        'pairs: {"k": 1}',
    ]
