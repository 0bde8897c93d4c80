"""The command of an exchange says the same on both sides, or is refused with a sentence."""

import json
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparkllm_engine.request import Result, SamplingParameters, TokenLogprob
from sparkllm_engine.server.outbox import Origin, Parcel
from sparkllm_engine.server.protocol import (
    ProtocolError,
    decode_command,
    decode_refusal,
    encode_command,
    encode_refusal,
)

sampling = st.fixed_dictionaries(
    {},
    optional={
        "max_tokens": st.integers(1, 4096),
        "temperature": st.floats(0, 2),
        "top_k": st.integers(0, 100),
        "top_p": st.floats(0, 1),
        "seed": st.none() | st.integers(0, 2**63),
        "choices": st.lists(st.text(), max_size=4).map(tuple),
        "stop": st.lists(st.text(), max_size=4).map(tuple),
        "min_tokens": st.integers(0, 99),
        "logprobs": st.none() | st.integers(0, 20),
        "length_normalized": st.booleans(),
        "regex": st.text(),
        "json_schema": st.text(),
        "embedding": st.booleans(),
    },
)


@given(sampling)
def test_the_engine_reads_the_parameters_that_the_client_wrote(values: dict[str, object]) -> None:
    assert decode_command(encode_command(values)) == SamplingParameters(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (b"no json", "is not of this protocol"),
        (b"[]", "is not of this protocol"),
        (json.dumps({"version": 99, "sampling": {}}).encode(), "speaks version 99"),
        (encode_command({"tokens": 1}), "unknown sampling parameter 'tokens'"),
        (encode_command({"max_tokens": True}), "max_tokens can't be True"),
        (encode_command({"choices": "yes"}), "choices can't be 'yes'"),
        (encode_command({"length_normalized": 1}), "length_normalized can't be 1"),
        (encode_command({"stop": [1]}), r"stop can't be \[1\]"),
        (encode_command({"regex": None}), "regex can't be None"),
        (
            encode_command({"json_schema": {"type": "null"}}),
            "json_schema can't be {'type': 'null'}",
        ),
        (encode_command({"logprobs": 1.5}), "logprobs can't be 1.5"),
    ],
)
def test_a_command_that_means_nothing_is_refused(command: bytes, sentence: str) -> None:
    with pytest.raises(ProtocolError, match=sentence):
        decode_command(command)


@given(st.text(max_size=500))
def test_the_client_reads_the_sentence_of_a_refusal(sentence: str) -> None:
    assert decode_refusal(encode_refusal(ProtocolError(sentence))) == sentence


@pytest.mark.parametrize("extra_info", [None, b"", b"\xff", b"{}", b"[1]"])
def test_other_flight_errors_are_no_refusals(extra_info: bytes | None) -> None:
    assert decode_refusal(extra_info) is None


def test_probabilities_travel_where_they_are_wanted() -> None:
    parcel = Parcel()
    parcel.add(1, Result(0, "a", "choice", probabilities=(0.75, 0.25)), False)
    assert parcel.to_batch(probabilities=True).column("probabilities").to_pylist() == [[0.75, 0.25]]
    assert parcel.to_batch().column("probabilities").to_pylist() == [None]


def test_embeddings_travel_with_their_rows() -> None:
    parcel = Parcel()
    parcel.add(1, Result(0, "", "embedding", embedding=array("f", [0.5, -0.5])), Origin.CALL)
    parcel.add(2, Result(0, None, "error", "OVERFLOW", "too long"), Origin.CALL)
    assert parcel.to_batch().column("embedding").to_pylist() == [[0.5, -0.5], None]


def test_logprobs_travel_with_their_rows() -> None:
    rival = TokenLogprob(8, " b", -2.5)
    token = TokenLogprob(7, " a", -0.5, (TokenLogprob(7, " a", -0.5), rival))
    parcel = Parcel()
    parcel.add(1, Result(0, " a", "length", output_tokens=1, logprobs=(token,)), False)
    parcel.add(2, Result(0, " a", "length", output_tokens=1), False)
    first, second = parcel.to_batch().column("logprobs").to_pylist()
    top = [
        {"token": 7, "text": " a", "logprob": -0.5},
        {"token": 8, "text": " b", "logprob": -2.5},
    ]
    assert first == [{"token": 7, "text": " a", "logprob": -0.5, "top": top}]
    assert second is None
