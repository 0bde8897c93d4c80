"""Answers and arguments of SQL types. The engine answers with the text that a row dictates."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.catalyst.conftest import RecordedApplication


@pytest.mark.parametrize(
    ("data_type", "text", "value"),
    [
        ("BOOLEAN", "true", True),
        ("INT", "-7", -7),
        ("DOUBLE", "1.5", 1.5),
        ("DECIMAL(5, 2)", "1.25", Decimal("1.25")),
        ("DATE", "2024-02-29", date(2024, 2, 29)),
        ("ARRAY<STRING>", '["a", "b"]', ["a", "b"]),
        ("STRUCT<a: INT, b: ARRAY<DOUBLE>>", '{"a": 1, "b": [1.5]}', (1, [1.5])),
        ("STRING", "not of another type", "not of another type"),
    ],
)
def test_an_answer_is_a_value_of_the_type_and_null_if_it_is_not_one(
    recorded: RecordedApplication, data_type: str, text: str, value: Any
) -> None:
    wrong = None if data_type != "STRING" else "nonsense"
    rows = recorded.rows(
        f"SELECT llm('Read it', x, returns => '{data_type}') AS v "
        f"FROM VALUES (1, 'answer={text}'), (2, 'answer=nonsense'), (3, NULL) AS t(n, x) ORDER BY n"
    )
    assert rows == [(value,), (wrong,), (None,)]


def test_a_variant_is_read_from_json(recorded: RecordedApplication) -> None:
    text = json.dumps({"stars": [4, "good"]})
    answer = "llm('Read it', x, returns => 'VARIANT')"
    rows = recorded.rows(
        f"SELECT v:stars[0]::INT, v:stars[1]::STRING FROM (SELECT {answer} AS v "
        f"FROM VALUES ('answer={text}') AS t(x))"
    )
    assert rows == [(4, "good")]


def test_a_typed_column_is_used_as_its_type(recorded: RecordedApplication) -> None:
    number = "llm('Read it', concat('answer=', id), returns => 'INT')"
    assert recorded.rows(f"SELECT sum({number}) FROM t") == [(28,)]
    assert recorded.rows(f"SELECT id FROM t WHERE {number} > 5 ORDER BY {number} DESC") == [
        (7,),
        (6,),
    ]


def test_variants_are_shown_to_the_model_as_their_json(recorded: RecordedApplication) -> None:
    [prompt] = recorded.asked(
        "SELECT llm('Look at it', v, w) FROM (SELECT parse_json(x) AS v, array(parse_json(x)) AS w "
        """FROM VALUES ('{"b": [1, null]}') AS t(x))"""
    )
    assert prompt.endswith('v: {"b": [1, null]}\nw: [{"b": [1, null]}]\n')
