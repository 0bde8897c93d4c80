"""What attends what in one step: slabs read in place, and padded batches of the rest."""

from collections.abc import Sequence as Rows
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sparkllm_engine.model.packing import PackedRow
from sparkllm_engine.model.pool import PAD_SLOT, VECTOR

# A cached run is read in place, with a merge, when gathering it for its rows would copy more keys.
_SHARED_KEYS = 1 << 15
_OWN_KEYS = 512
# Rows join a padded batch while they have this share of its longest row.
_FILL = 0.7
_SLACK = 16


@dataclass(frozen=True, slots=True)
class Slab:
    """A run of slots that all of `queries` see.

    Attributes:
        slots: the run.
        queries: `[n]`, packed positions; None for all of the step.
    """

    slots: range
    queries: Tensor | None

    @property
    def filled(self) -> range:
        """The run, filled up to whole vectors with whatever slots follow."""
        return range(self.slots.start, self.slots.start - (-len(self.slots) // VECTOR) * VECTOR)

    def bias(self, dtype: torch.dtype, device: torch.device) -> Tensor:
        """Return `[1, 1, 1, keys]` that hides what `filled` has beyond the run."""
        bias = torch.zeros(1, 1, 1, len(self.filled), dtype=dtype, device=device)
        bias[..., len(self.slots) :] = float("-inf")
        return bias


@dataclass(slots=True)
class PaddedBatch:
    """Rows of about equal size, padded to one shape.

    Attributes:
        queries: `[batch, rows]`, packed positions, padded with 0.
        keys: `[batch, keys]`, slots, padded with the pad slot.
        visible: `[batch, rows, keys]`.
    """

    queries: Tensor
    keys: Tensor
    visible: Tensor
    _bias: dict[tuple[int, torch.dtype], Tensor] = field(default_factory=dict)

    def bias(self, group: int, dtype: torch.dtype) -> Tensor:
        """Return `[1, batch, rows * group, keys]`: 0 where visible, else minus infinity."""
        bias = self._bias.get((group, dtype))
        if bias is None:
            shape = self.visible.shape
            bias = torch.zeros(shape, dtype=dtype, device=self.visible.device)
            bias.masked_fill_(~self.visible, float("-inf"))
            bias = bias.unsqueeze(2).expand(shape[0], shape[1], group, shape[2])
            bias = bias.reshape(1, shape[0], shape[1] * group, shape[2])
            self._bias[(group, dtype)] = bias
        return bias


@dataclass(frozen=True, slots=True)
class AttentionPlan:
    """One step's attention, the same for all layers with one width of window.

    Attributes:
        batches: every query of the step is in exactly one.
        restore: `[queries]`, where each query is in the batches' rows laid end to end.
        slabs: cached runs read in place; their outputs are merged in.
    """

    batches: list[PaddedBatch]
    restore: Tensor
    slabs: list[Slab]


class AttentionPlans:
    """The attention of one step, a plan for each width of window among the layers.

    Args:
        rows: of the step, packed one after the other.
        device: for the tensors of the plans.
        only_wanted: whether the queries are the wanted tokens of each row, instead of all.
    """

    def __init__(
        self, rows: Rows[PackedRow], device: torch.device, only_wanted: bool = False
    ) -> None:
        self._rows = rows
        self._device = device
        self._only_wanted = only_wanted
        self._longest = max((int(row.positions.max()) + 1 for row in rows), default=0)
        self._plans: dict[int | None, AttentionPlan] = {}

    @cached_property
    def write_slots(self) -> Tensor:
        """`[tokens]`, where the keys and values of the step go, before any is attended."""
        writes = np.concatenate([row.write_slots for row in self._rows]).astype(np.int64)
        return torch.from_numpy(writes).to(self._device)

    def within(self, window: int | None) -> AttentionPlan:
        """Return the plan in which a query sees itself and the `window - 1` tokens before it."""
        if window is not None and window >= self._longest:
            window = None
        plan = self._plans.get(window)
        if plan is None:
            rows = self._rows if window is None else [_windowed(row, window) for row in self._rows]
            plan = self._plans[window] = _plan(rows, self._device, self._only_wanted, window)
        return plan


def _plan(
    rows: Rows[PackedRow], device: torch.device, only_wanted: bool, window: int | None
) -> AttentionPlan:
    offsets = [
        np.array(row.wanted, np.int64) if only_wanted else np.arange(row.length) for row in rows
    ]
    lengths = [len(row_offsets) for row_offsets in offsets]
    firsts = np.cumsum([0, *lengths])
    slabs, gathered = _choose_slabs(rows, firsts, device)
    batches = []
    restore = np.empty(firsts[-1], np.int64)
    offset = 0
    for members in _buckets(lengths, [len(keys) for keys in gathered]):
        batch = _pad(
            [rows[m] for m in members],
            [gathered[m] for m in members],
            [offsets[m] for m in members],
            [int(firsts[m]) for m in members],
            window=window,
            device=device,
        )
        width = batch.queries.shape[1]
        for index, member in enumerate(members):
            first, length = firsts[member], lengths[member]
            at = offset + index * width
            restore[first : first + length] = np.arange(at, at + length)
        offset += batch.queries.numel()
        batches.append(batch)
    return AttentionPlan(batches, torch.from_numpy(restore).to(device), slabs)


def _windowed(row: PackedRow, window: int) -> PackedRow:
    """Return the row without the keys that none of its tokens sees; what is left is gathered."""
    past = len(row.key_slots) - row.length
    unseen = min(max(int(row.positions[0]) - window + 1, 0), past)
    return replace(row, key_slots=row.key_slots[unseen:], runs=())


def _choose_slabs(
    rows: Rows[PackedRow], firsts: NDArray[np.int64], device: torch.device
) -> tuple[list[Slab], list[NDArray[np.int32]]]:
    """Return the runs to read in place, and for each row the slots left to gather."""
    users: dict[range, list[int]] = {}
    for index, row in enumerate(rows):
        for run in row.runs:
            users.setdefault(run, []).append(index)
    in_place = {
        run
        for run, members in users.items()
        if len(run) >= _OWN_KEYS or (len(members) > 1 and len(members) * len(run) >= _SHARED_KEYS)
    }
    slabs = []
    for run in in_place:
        members = users[run]
        if len(members) == len(rows):
            slabs.append(Slab(run, None))
            continue
        queries = np.concatenate([np.arange(firsts[m], firsts[m + 1]) for m in members])
        slabs.append(Slab(run, torch.from_numpy(queries).to(device)))
    return slabs, [_without(row, in_place) for row in rows]


def _without(row: PackedRow, in_place: set[range]) -> NDArray[np.int32]:
    if not in_place or in_place.isdisjoint(row.runs):
        return row.key_slots
    parts = []
    position = 0
    for run in row.runs:
        if run not in in_place:
            parts.append(row.key_slots[position : position + len(run)])
        position += len(run)
    return np.concatenate([*parts, row.key_slots[position:]])


def _buckets(lengths: list[int], keys: list[int]) -> list[list[int]]:
    order = sorted(range(len(lengths)), key=lambda index: (lengths[index], keys[index]))
    buckets: list[list[int]] = []
    longest = most = 0
    for index in reversed(order):
        fits = (
            buckets
            and lengths[index] + _SLACK >= _FILL * longest
            and _FILL * most <= keys[index] + _SLACK
            and _FILL * keys[index] <= most
        )
        if fits:
            buckets[-1].append(index)
            most = max(most, keys[index])
        else:
            buckets.append([index])
            longest, most = lengths[index], keys[index]
    return buckets


def _pad(
    rows: list[PackedRow],
    gathered: list[NDArray[np.int32]],
    offsets: list[NDArray[np.int64]],
    firsts: list[int],
    *,
    window: int | None,
    device: torch.device,
) -> PaddedBatch:
    width = max(map(len, offsets))
    depth = -(-max(map(len, gathered)) // VECTOR) * VECTOR
    queries = np.zeros((len(rows), width), np.int64)
    keys = np.full((len(rows), depth), PAD_SLOT, np.int64)
    # The first and the last key that each query sees.
    starts = np.zeros((len(rows), width), np.int64)
    ends = np.zeros((len(rows), width), np.int64)
    for index, (row, slots, own) in enumerate(zip(rows, gathered, offsets, strict=True)):
        queries[index, : len(own)] = np.arange(firsts[index], firsts[index] + len(own))
        keys[index, : len(slots)] = slots
        ends[index, : len(own)] = len(slots) - row.length + own
        if window is not None:
            first = int(row.positions[0]) - (len(slots) - row.length)
            starts[index, : len(own)] = row.positions[own] - window + 1 - first
    columns = np.arange(depth)[None, None, :]
    visible = columns <= ends[:, :, None]
    if window is not None:
        visible &= columns >= starts[:, :, None]
    for index, (row, slots, own) in enumerate(zip(rows, gathered, offsets, strict=True)):
        if row.tail_visible is not None:
            tail = len(row.tail_visible)
            in_tail = own - (row.length - tail)
            behind = np.flatnonzero(in_tail >= 0)
            near = row.tail_visible[in_tail[behind]]
            if window is not None:
                positions = row.positions[row.length - tail :]
                near = near & (row.positions[own[behind], None] - positions[None, :] < window)
            visible[index, behind, len(slots) - tail : len(slots)] = near
    return PaddedBatch(
        queries=torch.from_numpy(queries).to(device),
        keys=torch.from_numpy(keys).to(device),
        visible=torch.from_numpy(visible).to(device),
    )
