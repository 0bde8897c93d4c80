"""What Spark 4.0 hands to the worker, pandas, becomes what later versions hand over, Arrow."""

from collections.abc import Callable, Iterator

import pandas as pd
import pyarrow as pa

from sparkllm.worker.batches import Arguments, answer_batches


def _received(*batches: object) -> list[Arguments]:
    received: list[Arguments] = []

    def answer(arguments: Iterator[Arguments]) -> Iterator[pa.Array]:
        for columns in arguments:
            received.append(columns)
            yield pa.array(["answer"] * len(columns[0]))

    list(answer_batches(batches, answer))
    return received


def test_answers_are_of_the_kind_that_came() -> None:
    def answer(arguments: Iterator[Arguments]) -> Iterator[pa.Array]:
        return (pa.array(["x"] * len(columns[0])) for columns in arguments)

    (series,) = answer_batches([(pd.Series(["a", "b"]),)], answer)
    assert series.tolist() == ["x", "x"]
    (array,) = answer_batches([(pa.array(["a", "b"]),)], answer)
    assert array == pa.array(["x", "x"])


def test_a_struct_of_answers_is_a_frame_where_pandas_came() -> None:
    usage = [{"rows": 2}, None]
    answers = pa.array([{"answer": "a", "usage": usage[0]}, {"answer": None, "usage": usage[1]}])
    (frame,) = answer_batches(
        [(pd.Series(["x", "y"]),)], lambda batches: map(_to(answers), batches)
    )
    assert list(frame.columns) == ["answer", "usage"]
    assert frame["answer"].tolist() == ["a", None]
    assert frame["usage"].tolist() == usage


def _to(answers: pa.Array) -> Callable[[Arguments], pa.Array]:
    return lambda _: answers


def test_a_frame_is_a_struct_with_its_fields_in_order() -> None:
    ((struct,),) = _received(pd.DataFrame({"b": ["x", None], "a": [1, 2]}))
    assert [field.name for field in struct.type] == ["b", "a"]
    assert struct.to_pylist() == [{"b": "x", "a": 1}, {"b": None, "a": 2}]


def test_a_map_stays_a_map_and_keeps_the_keys_of_each_row() -> None:
    options = {"labels": ["good", "bad"]}
    ((_, maps),) = _received((pd.Series(["a", "b", "c"]), pd.Series([options, None, {}])))
    assert pa.types.is_map(maps.type)
    assert maps.to_pylist(maps_as_pydicts="strict") == [options, None, {}]


def test_maps_in_a_struct_keep_the_keys_of_each_row() -> None:
    ((struct,),) = _received(pd.DataFrame({"m": [{"k": 1}, {"l": 2}, None]}))
    fields = struct.to_pylist(maps_as_pydicts="strict")
    assert fields == [{"m": {"k": 1}}, {"m": {"l": 2}}, {"m": None}]


def test_a_struct_in_a_struct_keeps_values_of_several_types() -> None:
    inner = [{"n": 1, "s": "x"}, {"n": 2, "s": None}]
    ((struct,),) = _received(pd.DataFrame({"inner": inner}))
    assert struct.to_pylist() == [{"inner": inner[0]}, {"inner": inner[1]}]
