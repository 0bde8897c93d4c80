"""One forward pass of the model over the packed rows of a step."""

from collections.abc import Sequence as Rows
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sparkllm_engine.errors import EngineConfigError
from sparkllm_engine.model.attention import IMPLEMENTATION
from sparkllm_engine.model.context import ForwardContext, LogitRows, bind
from sparkllm_engine.model.head import SelectiveHead
from sparkllm_engine.model.loading import LoadedModel
from sparkllm_engine.model.packing import PackedRow, pack
from sparkllm_engine.model.plan import plan_attention
from sparkllm_engine.model.pool import KeyValuePool


@dataclass(frozen=True, slots=True)
class LogitRequest:
    """Logits that a step wants.

    Attributes:
        positions: packed positions, `[n]`.
        token_ids: of these tokens, `[u]`; None for the whole vocabulary.
    """

    positions: NDArray[np.int64]
    token_ids: Tensor | None


class Decoder:
    """A loaded model with the pool of its keys and values."""

    def __init__(self, loaded: LoadedModel, cache_bytes: int, scratch: int) -> None:
        self._model = loaded.model
        layers = [shape for _, shape in sorted(loaded.probe.layers.items())]
        token_bytes = sum(layer.width for layer in layers) * loaded.model.dtype.itemsize
        slots = cache_bytes // token_bytes
        if slots < 1:
            raise EngineConfigError(
                f"cache_bytes is {cache_bytes}: one token of this model takes {token_bytes}"
            )
        self.pool = KeyValuePool(layers, slots, scratch, loaded.model.dtype, loaded.model.device)
        self._model.set_attn_implementation(IMPLEMENTATION)
        self._model.set_output_embeddings(SelectiveHead(loaded.model.get_output_embeddings()))

    def forward(self, rows: Rows[PackedRow], requests: Rows[LogitRequest]) -> list[Tensor]:
        """Compute the rows together.

        Returns:
            For each request its logits, `[n, u]` or `[n, vocabulary]`, float32.
        """
        step = pack(rows)
        context = ForwardContext(
            pool=self.pool,
            plan=plan_attention(rows),
            logits=[LogitRows(len(request.positions), request.token_ids) for request in requests],
        )
        wanted = np.concatenate(
            [request.positions for request in requests] or [np.empty(0, np.int64)]
        )
        with torch.inference_mode(), bind(context):
            logits = self._model(
                input_ids=step.token_ids,
                position_ids=step.positions,
                use_cache=False,
                logits_to_keep=torch.from_numpy(wanted),
            ).logits
        sizes = [len(request.positions) * self._width(request) for request in requests]
        return [
            part.view(len(request.positions), -1).float()
            for part, request in zip(logits.view(-1).split(sizes), requests, strict=True)
        ]

    def _width(self, request: LogitRequest) -> int:
        if request.token_ids is None:
            return int(self._model.get_output_embeddings().weight.shape[0])
        return len(request.token_ids)
