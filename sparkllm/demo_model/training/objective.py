"""What is learned: the answer after the prompt, and beside it some of the row's own text."""

from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from sparkllm.demo_model.training.batches import Batch
from sparkllm.demo_model.training.regularisation import replace_tokens


@dataclass(frozen=True, slots=True)
class Losses:
    """Mean cross entropy in nats per token: of answers, and of sampled tokens of row text.

    A token of an answer of n tokens counts `n ** -0.5`: between a mean over tokens, in which long
    answers drown labels, and a mean over examples.
    """

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

    Where the batch holds beliefs, they are the target of the answer's first token. Only the
    positions that count go through the output matrix.

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
    # Padding stands behind everything that counts, so the causal mask hides it.
    seen = replace_tokens(batch, replaced, model.config.vocab_size, generator)
    hidden = model.base_model(input_ids=seen.to(device), use_cache=False).last_hidden_state[:, :-1]
    picked = chosen.to(device)
    logits = model.get_output_embeddings()(hidden[picked]).float()
    targets = batch.ids[:, 1:][chosen].to(device)
    each = cross_entropy(logits, targets, reduction="none")
    first = (places == batch.marks[:, 2:3])[:, 1:][chosen].to(device)
    each = _first_token_losses(logits, each, batch, first)
    is_answer = answers[:, 1:][chosen].to(device)
    sizes = (batch.lengths - batch.marks[:, 2]).float()
    weights = sizes.rsqrt()[:, None].expand(answers.shape)[:, 1:][chosen].to(device)[is_answer]
    answer = (weights * each[is_answer]).sum() / weights.sum()
    return Losses(answer, _mean(each[~is_answer]))


def _first_token_losses(
    logits: torch.Tensor, each: torch.Tensor, batch: Batch, first: torch.Tensor
) -> torch.Tensor:
    """Return `each`, with cross entropy to the teacher's beliefs where the batch has some.

    `logits` is `[positions, vocabulary]`, `each` and `first` `[positions]`: of the positions that
    `first` marks, there is one an example, in order.
    """
    beliefs, believed = batch.beliefs.to(each.device), batch.believed.to(each.device)
    mine = logits[first]
    spread = -(beliefs * (mine.gather(1, believed) - mine.logsumexp(1, keepdim=True))).sum(1)
    found = each.clone()
    found[first] = torch.where(beliefs.sum(1) > 0, spread, each[first])
    return found


def _mean(values: torch.Tensor) -> torch.Tensor:
    return values.sum() / max(1, values.numel())
