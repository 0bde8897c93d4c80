"""Log-probabilities of the tokens of an answer."""

from collections.abc import Callable

import torch
from torch import Tensor

from sparkllm_engine.request import TokenLogprob

TextOf = Callable[[int], str]


def token_logprobs(
    logits: Tensor, tokens: list[int], counts: list[int], text_of: TextOf
) -> list[TokenLogprob]:
    """Return the log-probability of each row's token, with those of the likeliest ones.

    Args:
        logits: `[rows, vocabulary]`, before temperature, top-k and top-p.
        tokens: drawn, one for each row.
        counts: how many of the likeliest, for each row.
        text_of: text of a token.
    """
    logarithms = torch.log_softmax(logits.double(), dim=-1)
    top = logarithms.topk(min(max(counts), logits.shape[1]), dim=-1)
    drawn = torch.tensor(tokens, device=logits.device)[:, None]
    own = logarithms.gather(1, drawn)[:, 0].tolist()
    rows = zip(tokens, own, top.indices.tolist(), top.values.tolist(), counts, strict=True)
    return [
        TokenLogprob(
            token,
            text_of(token),
            logprob,
            tuple(
                TokenLogprob(i, text_of(i), value)
                for i, value in zip(ids[:count], values[:count], strict=True)
                if value > float("-inf")
            ),
        )
        for token, logprob, ids, values, count in rows
    ]
