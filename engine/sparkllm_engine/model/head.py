"""The LM head, computed for the tokens that are asked for."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from sparkllm_engine.model.context import bound_context


class SelectiveHead(nn.Module):
    """Stands in for a model's LM head and computes only the logits that the bound context wants.

    The groups of rows want different numbers of tokens, so their logits leave laid end to end, as
    `[1, 1, numbers]`; what a model does to logits after its head (scale, soft-cap) is elementwise.
    Hidden states that are wanted themselves are left in the context.
    """

    def __init__(self, head: nn.Linear) -> None:
        super().__init__()
        self._head = head
        self._selected: dict[int, tuple[Tensor, Tensor, Tensor | None]] = {}

    @property
    def weight(self) -> Tensor:
        """Weight of the whole head, `[vocabulary, hidden]`."""
        return self._head.weight

    @property
    def width(self) -> int:
        """Tokens of the whole head."""
        return self._head.weight.shape[0]

    def forward(self, hidden: Tensor) -> Tensor:
        """Return the wanted logits of `hidden`, `[1, rows, hidden]`."""
        context = bound_context()
        assert context is not None, "the model runs through Decoder.forward only"
        parts = [hidden.new_empty(0)]
        first = 0
        for group in context.logits:
            rows = hidden[0, first : first + group.count]
            first += group.count
            if group.states:
                context.states.append(rows)
            elif group.token_ids is None:
                parts.append(self._head(rows).reshape(-1))
            else:
                weight, bias = self._rows(group.token_ids)
                parts.append(functional.linear(rows, weight, bias).reshape(-1))
        return torch.cat(parts).view(1, 1, -1)

    def _rows(self, token_ids: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return weight and bias of these tokens, remembered by the identity of the tensor."""
        entry = self._selected.get(id(token_ids))
        if entry is None or entry[0] is not token_ids:
            if len(self._selected) >= 64:
                self._selected.clear()
            bias = None if self._head.bias is None else self._head.bias[token_ids]
            entry = (token_ids, self._head.weight[token_ids], bias)
            self._selected[id(token_ids)] = entry
        return entry[1], entry[2]
