"""One forward pass of the model over the packed rows of a step."""

from collections.abc import Sequence as Rows
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sparkllm_engine.errors import EngineConfigError
from sparkllm_engine.model.attention import IMPLEMENTATION
from sparkllm_engine.model.context import AnsweringTokens, ForwardContext, LogitRows, bind
from sparkllm_engine.model.cost import CostModel, weight_bytes
from sparkllm_engine.model.head import SelectiveHead
from sparkllm_engine.model.last_layer import unwrap_last_layer, wrap_last_layer
from sparkllm_engine.model.linears import pack_linears
from sparkllm_engine.model.loading import LoadedModel
from sparkllm_engine.model.packing import PackedRow
from sparkllm_engine.model.partition import partition
from sparkllm_engine.model.plan import AttentionPlans
from sparkllm_engine.model.pool import KeyValuePool
from sparkllm_engine.model.probe import Probe
from sparkllm_engine.threads import WorkerThreads


@dataclass(frozen=True, slots=True)
class RowLogits:
    """Logits of some rows of a step that wanted the same tokens, or their hidden states.

    Attributes:
        rows: indices of the rows.
        logits: `[rows, wanted, u]`, `[rows, wanted, vocabulary]` or `[rows, wanted, hidden]`,
            float32.
    """

    rows: list[int]
    logits: Tensor


class Decoder:
    """A loaded model with the pool of its keys and values, and what its steps cost.

    Args:
        loaded: the model.
        cache_bytes: size of the pool for cached tokens.
        scratch: slots for tokens that live for one step.
        threads: threads of the forward pass.
        quantization: of the linear layers, see `EngineConfig`.

    Raises:
        EngineConfigError: the pool can't hold a token.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        cache_bytes: int,
        scratch: int,
        *,
        threads: int,
        quantization: str = "none",
    ) -> None:
        self._model = loaded.model
        self._threads = WorkerThreads(threads)
        self._parameters = sum(parameter.numel() for parameter in loaded.model.parameters())
        layers = [shape for _, shape in sorted(loaded.probe.layers.items())]
        token_bytes = sum(layer.width for layer in layers) * loaded.model.dtype.itemsize
        slots = cache_bytes // token_bytes
        if slots < 1:
            raise EngineConfigError(
                f"cache_bytes is {cache_bytes}: one token of this model takes {token_bytes}"
            )
        self.pool = KeyValuePool(layers, slots, scratch, loaded.model.dtype, loaded.model.device)
        bytes_each = weight_bytes(loaded.model.dtype, quantization)
        self.cost = CostModel(loaded.model, loaded.probe, bytes_each)
        head = loaded.model.get_output_embeddings()
        self._head = SelectiveHead(head)
        self._model.set_attn_implementation(IMPLEMENTATION)
        self._model.set_output_embeddings(self._head)
        wrap_last_layer(self._model, len(layers))
        if not self._agrees_with(loaded.probe):
            unwrap_last_layer(self._model)
        pack_linears(self._model, keep=head, quantization=quantization)

    @property
    def dtype(self) -> torch.dtype:
        """Of activations, keys and values."""
        return self.pool.dtype

    @property
    def device(self) -> torch.device:
        """Where the model computes."""
        device: torch.device = self._model.device
        return device

    @property
    def vocabulary(self) -> int:
        """Tokens that there are logits for."""
        return self._head.width

    def forward(self, rows: Rows[PackedRow]) -> list[RowLogits]:
        """Compute the rows together and return the logits they want."""
        parts = partition(rows, self._threads.count if self.device.type == "cpu" else 1)
        work = self._parameters * sum(row.length for row in rows)
        done = self._threads.run([partial(self._forward_part, rows, p) for p in parts], work)
        return [logits for part in done for logits in part]

    def _agrees_with(self, probe: Probe) -> bool:
        """Whether the logits of the probe's tokens come out as they did before."""
        tokens = np.arange(len(probe.logits), dtype=np.int32)
        slots = tokens + self.pool.first
        if slots[-1] >= self.pool.scratch.stop:
            return False
        last = len(tokens) - 1
        row = PackedRow(tokens, tokens.astype(np.int64), slots, slots, wanted=(last // 2, last))
        (answer,) = self.forward([row])
        return probe.agrees(answer.logits[0], [last // 2, last])

    def _forward_part(self, rows: Rows[PackedRow], members: list[int]) -> list[RowLogits]:
        part = [rows[member] for member in members]
        firsts = np.cumsum([0, *(row.length for row in part)])
        groups = _by_wanted(part)
        wanted = [
            firsts[i] + offset for group in groups for i in group for offset in part[i].wanted
        ]
        device = self.device
        context = ForwardContext(
            pool=self.pool,
            plans=AttentionPlans(part, device),
            answering=_answering(part, firsts, device),
            logits=[_logit_rows(part, group) for group in groups],
        )
        token_ids = np.concatenate([row.token_ids for row in part]).astype(np.int64)
        positions = np.concatenate([row.positions for row in part])
        with torch.inference_mode(), bind(context):
            logits = self._model(
                input_ids=torch.from_numpy(token_ids).to(device).unsqueeze(0),
                position_ids=torch.from_numpy(positions).to(device).unsqueeze(0),
                use_cache=False,
                logits_to_keep=torch.tensor(wanted, dtype=torch.int64, device=device),
            ).logits.view(-1)
        answers = []
        first = 0
        states = iter(context.states)
        for group, wants in zip(groups, context.logits, strict=True):
            if wants.states:
                block = next(states)
                width = block.shape[-1]
            else:
                width = self._head.width if wants.token_ids is None else len(wants.token_ids)
                block = logits[first : first + wants.count * width]
                first += wants.count * width
            shaped = block.view(len(group), -1, width).float()
            answers.append(RowLogits([members[index] for index in group], shaped))
        return answers


def _answering(
    rows: Rows[PackedRow], firsts: NDArray[np.int64], device: torch.device
) -> AnsweringTokens | None:
    """Return the tokens whose logits are wanted, None when they are most of the step."""
    wanted = [first + at for row, first in zip(rows, firsts, strict=False) for at in row.wanted]
    if 2 * len(wanted) > firsts[-1]:
        return None
    plans = AttentionPlans([row for row in rows if row.wanted], device, only_wanted=True)
    return AnsweringTokens(torch.tensor(wanted, dtype=torch.int64, device=device), plans)


def _by_wanted(rows: Rows[PackedRow]) -> list[list[int]]:
    groups: dict[tuple[bool, int], list[int]] = {}
    for index, row in enumerate(rows):
        if row.wanted:
            groups.setdefault((row.states, id(row.wanted_ids)), []).append(index)
    return list(groups.values())


def _logit_rows(rows: Rows[PackedRow], group: list[int]) -> LogitRows:
    first = rows[group[0]]
    count = sum(len(rows[index].wanted) for index in group)
    return LogitRows(count, first.wanted_ids, first.states)
