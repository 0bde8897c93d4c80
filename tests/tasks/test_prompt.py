"""What a call becomes: instruction, slots, fields, answers."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparkllm.tasks import Call, CallError, prompt_for
from sparkllm.tasks.prompt import Literal, Slot, placeholders
from sparkllm.tasks.rendering import render_fields, render_values


def test_classify_lists_the_labels_and_allows_only_them() -> None:
    prompt = prompt_for(Call("classify", ("review",), {"labels": ["good", "bad"]}))
    assert prompt.choices == ("good", "bad")
    assert prompt.head == (
        Literal("Classify the input. Answer with one of these labels:\n- good\n- bad\n\n"),
    )
    assert prompt.fields == ("review",)


def test_classify_without_labels_is_sentiment() -> None:
    assert prompt_for(Call("CLASSIFY", ("x",))).choices == ("positive", "negative", "neutral")


def test_placeholders_become_slots_and_other_columns_follow_as_fields() -> None:
    call = Call("Is {review} about {product}?", ("review", "product", "stars"))
    prompt = prompt_for(call)
    assert prompt.head == (
        Literal("Is "), Slot("review"), Literal(" about "), Slot("product"), Literal("?\n\n"),
    )  # fmt: skip
    assert prompt.fields == ("stars",)
    assert prompt.choices == ()


def test_doubled_braces_are_braces() -> None:
    prompt = prompt_for(Call("Answer as {{json}} about this", ("x",)))
    assert prompt.head == (Literal("Answer as {json} about this\n\n"),)


def test_placeholders_are_named_once_in_order_of_appearance() -> None:
    assert placeholders("{b} and {a} and {b} but not {{c}}") == ("b", "a")


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (Call("clasify", ("x",)), "unknown task 'clasify'"),
        (Call("Is {y} good?", ("x",)), "names {y}, but the columns are x"),
        (Call("  ", ("x",)), "empty"),
        (Call("classify", ()), "at least one column"),
        (
            Call("classify", ("x",), {"lables": ["a"]}),
            "task classify has no option lables: the options are labels, ",
        ),
        (Call("classify", ("x",), {"labels": []}), "at least one text"),
        (Call("classify", ("x",), {"labels": ["a", "a"]}), "once"),
        (Call("classify", ("x",), {"labels": 3}), "array of texts"),
        (Call("classify", ("x",), {"temperature": -1}), "temperature"),
        (Call("classify", ("x",), {"max_tokens": "many"}), "max_tokens"),
        (Call("classify", ("x", "x")), "named x twice"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(call: Call, says: str) -> None:
    with pytest.raises(CallError, match=says.replace("{", r"\{").replace("}", r"\}")):
        prompt_for(call)


@pytest.mark.parametrize("labels", [["a", "b"], ("a", "b"), '["a", "b"]', "a, b", "a,b"])
def test_labels_come_as_array_as_json_or_with_commas(labels: object) -> None:
    assert prompt_for(Call("classify", ("x",), {"labels": labels})).choices == ("a", "b")


def test_options_other_than_labels_reach_the_engine_as_typed_values() -> None:
    call = Call("Say it shorter", ("x",), {"max_tokens": "9", "temperature": "0.5", "seed": 7})
    assert prompt_for(call).sampling == {"max_tokens": 9, "temperature": 0.5, "seed": 7}


def test_a_call_survives_json() -> None:
    call = Call("Übersetze {x}", ("x", "y"), {"labels": ["a"], "seed": 1})
    assert Call.from_json(call.to_json()) == call


@given(st.text())
def test_no_text_leaves_its_line_or_its_quotes(text: str) -> None:
    (line,) = render_fields("review", [text])
    assert line.startswith("review: ")
    assert line.count("\n") == 1
    assert json.loads(line.removeprefix("review: ")) == text


def test_null_numbers_and_booleans_are_not_quoted() -> None:
    assert render_values([None, 3, 2.5, True, "3"]) == ["null", "3", "2.5", "true", '"3"']


def test_nested_values_are_json() -> None:
    assert render_values([{"a": [1, None]}]) == ['{"a": [1, null]}']


def test_a_column_name_that_could_end_its_line_is_quoted() -> None:
    assert render_fields("a\nb", [1]) == ['"a\\nb": 1\n']
