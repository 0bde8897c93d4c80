"""What is learned: the answer after the prompt, and beside it some of the row's own text."""

from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from sparkllm.demo_model.training.batches import Batch
from sparkllm.demo_model.training.regularisation import replace_tokens


@dataclass(frozen=True, slots=True)
class Losses:
    """Mean cross entropy in nats per token: of answers, and of sampled tokens of row text."""

    answer: torch.Tensor
    text: torch.Tensor


def losses(
    model: PreTrainedModel,
    batch: Batch,
    text_share: float,
    generator: torch.Generator,
    replaced: float = 0.0,
) -> Losses:
    """Return both losses of a batch.

    Only the positions that count go through the output matrix.

    Args:
        model: A causal language model of transformers.
        batch: The examples.
        text_share: Share of the row's tokens to predict as language modelling.
        generator: Draws those tokens.
        replaced: Share of the row's tokens that the model sees as random ones.
    """
    places = torch.arange(batch.ids.shape[1])[None, :]
    answers = (places >= batch.marks[:, 2:3]) & (places < batch.lengths[:, None])
    text = (places >= batch.marks[:, 0:1]) & (places < batch.marks[:, 1:2])
    text &= torch.rand(text.shape, generator=generator) < text_share
    chosen = (answers | text)[:, 1:]
    device = next(model.parameters()).device
    ids = batch.ids.to(device)
    # Padding stands behind everything that counts, so the causal mask hides it.
    seen = replace_tokens(batch, replaced, model.config.vocab_size, generator)
    hidden = model.base_model(input_ids=seen.to(device), use_cache=False).last_hidden_state[:, :-1]
    picked = chosen.to(device)
    logits = model.get_output_embeddings()(hidden[picked])
    each = cross_entropy(logits.float(), ids[:, 1:][picked], reduction="none")
    is_answer = answers[:, 1:][chosen].to(device)
    return Losses(each[is_answer].mean(), _mean(each[~is_answer]))


def _mean(values: torch.Tensor) -> torch.Tensor:
    return values.sum() / max(1, values.numel())
