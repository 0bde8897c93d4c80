"""Logits of the packed decoder are those of transformers, however tokens came to be computed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel

from sparkllm_engine.config import EngineConfig
from sparkllm_engine.model import DISCARD_SLOT, Decoder, PackedRow, load_model, partition, plan
from sparkllm_engine.model.last_layer import LastLayer
from tests.device import DEVICE
from tests.engine.models import FAMILIES, VOCABULARY, WINDOW

LENGTH = 40
TOKENS = np.random.default_rng(5).integers(3, VOCABULARY, (4, LENGTH), dtype=np.int32)


@pytest.fixture(params=list(FAMILIES))
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def decoder(folders: Callable[[str], Path], family: str) -> Decoder:
    config = EngineConfig(str(folders(family)), device=DEVICE, dtype="float32", threads=1)
    return Decoder(load_model(config), cache_bytes=1 << 20, scratch=64, threads=1)


@pytest.fixture
def expected(reference: Callable[[str], PreTrainedModel], family: str) -> Tensor:
    with torch.inference_mode():
        return reference(family)(torch.from_numpy(TOKENS).long()).logits


def row(
    tokens: np.ndarray,
    slots: np.ndarray,
    start: int,
    stop: int,
    *,
    last_only: bool = False,
    after: tuple[int, ...] = (),
) -> PackedRow:
    """Return tokens `start .. stop - 1` of a sequence whose tokens have these slots.

    Rows of one step want equally many logits: all of theirs, or that of the last token.
    """
    return PackedRow(
        token_ids=tokens[start:stop],
        positions=np.arange(start, stop),
        write_slots=slots[start:stop],
        key_slots=slots[:stop],
        runs=(range(int(slots[0]), int(slots[0]) + start),) if start else (),
        after=after,
        wanted=(stop - start - 1,) if last_only else tuple(range(stop - start)),
    )


def slots_of(decoder: Decoder, index: int) -> np.ndarray:
    first = decoder.pool.first + index * LENGTH
    return np.arange(first, first + LENGTH, dtype=np.int32)


def logits_of(decoder: Decoder, rows: list[PackedRow]) -> list[Tensor]:
    """Return the logits `[wanted, vocabulary]` of each row."""
    found = {}
    for part in decoder.forward(rows):
        found |= dict(zip(part.rows, part.logits.cpu(), strict=True))
    return [found[index] for index in range(len(rows))]


def assert_equal_logits(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_prefill_of_rows_of_different_lengths(decoder: Decoder, expected: Tensor) -> None:
    stops = [LENGTH, 31, 9, 1]
    rows = [row(TOKENS[i], slots_of(decoder, i), 0, stops[i], last_only=True) for i in range(4)]
    for index, found in enumerate(logits_of(decoder, rows)):
        assert_equal_logits(found[0], expected[index, stops[index] - 1])


def test_prefill_in_chunks_of_every_size(decoder: Decoder, expected: Tensor) -> None:
    slots = slots_of(decoder, 0)
    length = 2 * WINDOW
    for chunk in range(1, length):
        parts = [
            logits_of(decoder, [row(TOKENS[0], slots, start, min(start + chunk, length))])[0]
            for start in range(0, length, chunk)
        ]
        assert_equal_logits(torch.cat(parts), expected[0, :length])


def test_rows_decode_together_at_different_lengths(decoder: Decoder, expected: Tensor) -> None:
    starts = [5, 11, 30, 39]
    slots = [slots_of(decoder, i) for i in range(4)]
    for index, start in enumerate(starts):
        logits_of(decoder, [row(TOKENS[index], slots[index], 0, start)])
    found = logits_of(
        decoder, [row(TOKENS[i], slots[i], starts[i], starts[i] + 1) for i in range(4)]
    )
    for index, start in enumerate(starts):
        assert_equal_logits(found[index][0], expected[index, start])


def test_a_prefix_that_another_row_computed_is_read(decoder: Decoder, expected: Tensor) -> None:
    slots = slots_of(decoder, 0)
    logits_of(decoder, [row(TOKENS[0], slots, 0, 25)])
    other = np.concatenate((slots[:25], slots_of(decoder, 1)[25:]))
    assert_equal_logits(
        logits_of(decoder, [row(TOKENS[0], other, 25, LENGTH)])[0], expected[0, 25:]
    )


def test_a_prefix_computed_in_the_same_step_is_read(decoder: Decoder, expected: Tensor) -> None:
    slots = slots_of(decoder, 0)
    other = np.concatenate((slots[:20], slots_of(decoder, 1)[20:]))
    rows = [row(TOKENS[0], slots, 0, 20), row(TOKENS[0], other, 20, LENGTH)]
    found = logits_of(decoder, rows)
    assert_equal_logits(torch.cat(found), expected[0])


def test_discarded_tokens_leave_the_cached_ones_alone(decoder: Decoder, expected: Tensor) -> None:
    slots = slots_of(decoder, 0)
    logits_of(decoder, [row(TOKENS[0], slots, 0, LENGTH)])
    again = row(TOKENS[0], slots, LENGTH - 1, LENGTH)
    discarding = PackedRow(
        again.token_ids,
        again.positions,
        np.full(1, DISCARD_SLOT, np.int32),
        again.key_slots,
        wanted=(0,),
    )
    assert_equal_logits(logits_of(decoder, [discarding])[0][0], expected[0, -1])


def test_shared_runs_are_attended_in_place(
    decoder: Decoder, expected: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "_SHARED_KEYS", 1)
    monkeypatch.setattr(plan, "_OWN_KEYS", 16)
    slots = slots_of(decoder, 0)
    logits_of(decoder, [row(TOKENS[0], slots, 0, 20)])
    rows = [row(TOKENS[1], slots_of(decoder, 3), 0, 5, last_only=True)]
    for index, stop in ((1, LENGTH), (2, 25)):
        own = np.concatenate((slots[:20], slots_of(decoder, index)[20:]))
        rows.append(row(TOKENS[0], own, 20, stop, last_only=True))
    assert len(plan.AttentionPlans(rows, torch.device("cpu")).within(None).slabs) == 1
    unshared, long, short = logits_of(decoder, rows)
    assert_equal_logits(unshared[0], expected[1, 4])
    assert_equal_logits(long[0], expected[0, -1])
    assert_equal_logits(short[0], expected[0, 24])


def test_the_last_layer_is_computed_in_full_only_for_wanted_tokens(
    decoder: Decoder, expected: Tensor
) -> None:
    layers = [module for module in decoder._model.modules() if isinstance(module, LastLayer)]
    assert len(layers) == 1
    seen: list[int] = []
    norm_or_mlp = list(layers[0].layer.children())[-1]
    norm_or_mlp.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0].shape[-2]))
    found = logits_of(decoder, [row(TOKENS[0], slots_of(decoder, 0), 0, LENGTH, last_only=True)])
    assert_equal_logits(found[0][0], expected[0, -1])
    assert set(seen) == {1}


def test_a_step_split_over_threads_gives_the_same(
    folders: Callable[[str], Path],
    reference: Callable[[str], PreTrainedModel],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(partition, "_LEAST_TOKENS", 1)
    config = EngineConfig(str(folders("qwen3")), device="cpu", dtype="float32", threads=2)
    decoder = Decoder(load_model(config), cache_bytes=1 << 20, scratch=64, threads=2)
    slots = [slots_of(decoder, i) for i in range(4)]
    slots[3] = np.concatenate((slots[0][:20], slots[3][20:]))
    tokens = [TOKENS[0], TOKENS[1], TOKENS[2], TOKENS[0]]
    rows = [row(tokens[i], slots[i], 0, LENGTH) for i in range(3)]
    shared = row(tokens[3], slots[3], 20, LENGTH, after=(0,))
    parts = partition.partition([*rows, shared], 2)
    assert len(parts) == 2
    assert any({0, 3} <= set(part) for part in parts)
    with torch.inference_mode():
        expected = reference("qwen3")(torch.from_numpy(TOKENS).long()).logits
    for index, found in enumerate(logits_of(decoder, rows)):
        assert_equal_logits(found, expected[index])
