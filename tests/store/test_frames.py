"""A file of the store gives back what was written, and nothing of what was not written whole."""

from array import array

from hypothesis import given
from hypothesis import strategies as st

from sparkllm_engine.request import Result, TokenLogprob
from sparkllm_engine.store.frames import MAGIC, encode_frame, read_record, scan
from sparkllm_engine.store.record import decode_result, encode_result
from tests.store.answers import key

records = st.lists(st.tuples(st.integers(0, 99).map(key), st.binary(max_size=40)), max_size=5)
counts = st.integers(0, 2**32 - 1)
logprobs = st.builds(TokenLogprob, st.integers(0, 9), st.text(max_size=2), st.floats(-9, 0))
tokens = st.builds(
    TokenLogprob,
    st.integers(0, 9),
    st.text(max_size=2),
    st.floats(-9, 0),
    st.lists(logprobs, max_size=2).map(tuple),
)
answers = st.builds(
    Result,
    id=st.just(0),
    text=st.text(max_size=20),
    finish_reason=st.sampled_from(["stop", "length", "choice"]),
    prompt_tokens=counts,
    cached_tokens=counts,
    output_tokens=counts,
    probabilities=st.lists(st.floats(0, 1), max_size=3).map(tuple),
    logprobs=st.lists(tokens, max_size=2).map(tuple),
)


def read(data: bytes, start: int = 0) -> list[tuple[bytes, bytes]]:
    """Return the records of all whole frames in a part of a file."""
    found = []
    for frame in scan(data, start):
        for position in frame.positions.tolist():
            record = read_record(data, position - start)
            assert isinstance(record, tuple)
            found.append(record)
    return found


@given(st.lists(records, max_size=4))
def test_records_come_back_in_order(frames: list[list[tuple[bytes, bytes]]]) -> None:
    data = MAGIC + b"".join(encode_frame(frame, 7) for frame in frames)
    assert read(data) == [record for frame in frames for record in frame]


@given(st.lists(records, min_size=1, max_size=4), st.data())
def test_a_file_cut_off_anywhere_gives_its_whole_frames(
    frames: list[list[tuple[bytes, bytes]]], data: st.DataObject
) -> None:
    parts = [MAGIC, *(encode_frame(frame, 7) for frame in frames)]
    whole = b"".join(parts)
    cut = data.draw(st.integers(0, len(whole)))
    fitting = 0
    while fitting < len(frames) and sum(map(len, parts[: fitting + 2])) <= cut:
        fitting += 1
    assert read(whole[:cut]) == [record for frame in frames[:fitting] for record in frame]


@given(records, records, st.data())
def test_of_a_changed_frame_nothing_is_read(
    first: list[tuple[bytes, bytes]], second: list[tuple[bytes, bytes]], data: st.DataObject
) -> None:
    start = MAGIC + encode_frame(first, 7)
    frame = bytearray(encode_frame(second, 7))
    place = data.draw(st.integers(0, len(frame) - 1))
    frame[place] ^= data.draw(st.integers(1, 255))
    assert read(start + bytes(frame)) == first


@given(st.binary(max_size=200))
def test_of_a_foreign_file_nothing_is_read(data: bytes) -> None:
    assert read(data) == []


@given(records, records)
def test_reading_goes_on_where_it_ended(
    first: list[tuple[bytes, bytes]], second: list[tuple[bytes, bytes]]
) -> None:
    start = MAGIC + encode_frame(first, 7)
    ends = [frame.end for frame in scan(start, 0)]
    assert ends == [len(start)]
    assert read(encode_frame(second, 7), ends[-1]) == second


@given(answers)
def test_an_answer_is_the_same_as_a_record(result: Result) -> None:
    value = encode_result(result)
    assert value is not None
    assert decode_result(value) == result


@given(st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=8))
def test_an_embedding_is_the_same_as_a_record(numbers: list[float]) -> None:
    result = Result(0, "", "embedding", prompt_tokens=3, embedding=array("f", numbers))
    value = encode_result(result)
    assert value is not None
    assert decode_result(value) == result


@given(st.binary(max_size=60))
def test_bytes_that_are_no_answer_are_none_or_some_answer(value: bytes) -> None:
    decode_result(value)


def test_errors_and_answers_that_were_cancelled_are_not_kept() -> None:
    assert encode_result(Result(0, None, "error", "CODE", "why")) is None
    assert encode_result(Result(0, None, "cancelled")) is None
