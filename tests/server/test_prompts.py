"""Request batches become prompts and keys; keys are equal just when requests are."""

from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparkllm_engine.request import SamplingParameters
from sparkllm_engine.server.prompts import RequestDecoder
from sparkllm_engine.server.protocol import REQUEST_SCHEMA, ProtocolError

texts = st.text(alphabet="ab\nß😀", max_size=4)
rows = st.lists(st.lists(texts, max_size=4).map(tuple), max_size=8)


def batch(prompts: list[tuple[str, ...]], first: int = 0) -> pa.RecordBatch:
    """Return a request batch with the ids `first`, `first + 1`, …"""
    ids = pa.array(range(first, first + len(prompts)), pa.int64())
    lists = pa.array(prompts, pa.list_(pa.utf8()))
    pieces = pa.array(lists.flatten(), pa.utf8()).dictionary_encode()
    encoded = pa.ListArray.from_arrays(lists.offsets, pieces)
    return pa.RecordBatch.from_arrays([ids, encoded], schema=REQUEST_SCHEMA)


@given(st.lists(rows, max_size=3))
def test_prompts_are_those_that_were_sent_whatever_came_before(
    windows: list[list[tuple[str, ...]]],
) -> None:
    decoder = RequestDecoder(SamplingParameters())
    for prompts in windows:
        decoded = decoder.decode(batch(prompts, first=5))
        assert decoded.prompts == prompts
        assert decoded.ids == list(range(5, 5 + len(prompts)))


@given(rows, st.data())
def test_a_slice_of_a_batch_has_the_prompts_and_keys_of_its_rows(
    prompts: list[tuple[str, ...]], data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(prompts)))
    decoder = RequestDecoder(SamplingParameters())
    whole = decoder.decode(batch(prompts))
    part = decoder.decode(batch(prompts).slice(start, 3))
    assert part.prompts == prompts[start : start + 3]
    assert part.keys == whole.keys[start : start + 3]


@given(rows)
def test_keys_are_equal_just_when_the_pieces_are(prompts: list[tuple[str, ...]]) -> None:
    keys = RequestDecoder(SamplingParameters()).decode(batch(prompts)).keys
    for (one, key), (other, other_key) in pairwise(sorted(zip(prompts, keys, strict=True))):
        assert (one == other) == (key == other_key)


def test_text_that_moves_to_the_next_piece_is_another_request() -> None:
    decoder = RequestDecoder(SamplingParameters())
    prompts = [("ab", "c"), ("a", "bc"), ("abc",), ("abc", "")]
    assert len(set(decoder.decode(batch(prompts)).keys)) == len(prompts)


def test_keys_depend_on_the_sampling() -> None:
    keys = [
        RequestDecoder(parameters).decode(batch([("a",)])).keys[0]
        for parameters in (
            SamplingParameters(),
            SamplingParameters(max_tokens=1),
            SamplingParameters(choices=("a",)),
            SamplingParameters(seed=0),
        )
    ]
    assert len(set(keys)) == len(keys)


def test_keys_depend_on_what_the_engine_is() -> None:
    keys = {
        RequestDecoder(SamplingParameters(), identity).decode(batch([("a",)])).keys[0]
        for identity in ("", "one", "other")
    }
    assert len(keys) == 3


def test_nulls_and_other_schemas_are_refused() -> None:
    decoder = RequestDecoder(SamplingParameters())
    prompts = pa.array([None], REQUEST_SCHEMA.field("prompt").type)
    nulls = pa.RecordBatch.from_arrays([pa.array([1], pa.int64()), prompts], schema=REQUEST_SCHEMA)
    for wrong in (nulls, pa.record_batch({"id": [1], "prompt": [["a"]]})):
        with pytest.raises(ProtocolError):
            decoder.decode(wrong)
