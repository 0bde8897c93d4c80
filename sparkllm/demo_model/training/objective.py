"""What is learned: the answer after the prompt, and beside it some of the row's own text."""

from dataclasses import dataclass

import torch
from torch.nn.functional import cross_entropy, rms_norm
from transformers import PreTrainedModel

from sparkllm.demo_model.training.batches import Batch
from sparkllm.demo_model.training.regularisation import replace_tokens

_AMONG_ALL = 0.1
_CLOSED_REST = 0.3
_FREE = 2.0
_GIVEN = 0.05
"""Weight of what the keys of a JSON object fix, beside what has to be found in the text."""


@dataclass(frozen=True, slots=True)
class Losses:
    """Mean cross entropy in nats: of answers, and of sampled tokens of row text; and the mean
    squared error of the encoder's features, 0 without any.

    An answer from a closed set counts one for its first token, scored among the tokens that the
    set can start with as the engine scores it, and in a small part among all tokens; its other
    tokens count a little together. A free answer counts two, evenly over its tokens, but for those
    that the keys of a JSON object fix.
    """

    answer: torch.Tensor
    text: torch.Tensor
    features: torch.Tensor


def losses(
    model: PreTrainedModel,
    batch: Batch,
    text_share: float,
    generator: torch.Generator,
    replaced: float = 0.0,
    *,
    reader: torch.nn.Linear | None = None,
) -> Losses:
    """Return the losses of a batch.

    Only the positions that count go through the output matrix.

    Args:
        model: A causal language model of transformers.
        batch: The examples.
        text_share: Share of the row's tokens to predict as language modelling.
        generator: Draws those tokens.
        replaced: Share of the row's tokens that the model sees as random ones.
        reader: Reads the encoder's features off the mean over the row's text of what the last layer
            but one says: there the last layer finds them when it judges.
    """
    places = torch.arange(batch.ids.shape[1])[None, :]
    answers = (places >= batch.marks[:, 2:3]) & (places < batch.lengths[:, None])
    text = (places >= batch.marks[:, 0:1]) & (places < batch.marks[:, 1:2])
    text &= torch.rand(text.shape, generator=generator) < text_share
    chosen = (answers | text)[:, 1:]
    device = next(model.parameters()).device
    # Padding stands behind everything that counts, so the causal mask hides it.
    seen = replace_tokens(batch, replaced, model.config.vocab_size, generator)
    found = model.base_model(
        input_ids=seen.to(device), use_cache=False, output_hidden_states=reader is not None
    )
    hidden = found.last_hidden_state[:, :-1]
    picked = chosen.to(device)
    logits = model.get_output_embeddings()(hidden[picked]).float()
    targets = batch.ids[:, 1:][chosen].to(device)
    each = cross_entropy(logits, targets, reduction="none")
    first = (places == batch.marks[:, 2:3])[:, 1:][chosen].to(device)
    shares = batch.shares.to(device)
    closed = shares.sum(1) > 0
    at_first = each[first]
    among = _among_firsts(logits[first], batch.firsts.to(device), shares)
    each[first] = torch.where(closed, among + _AMONG_ALL * at_first, at_first)
    is_answer = answers[:, 1:][chosen].to(device)
    weights = _weights(batch, answers)[:, 1:][chosen].to(device)[is_answer]
    answer = (weights * each[is_answer]).sum() / weights.sum()
    text_loss, features = _mean(each[~is_answer]), torch.zeros((), device=device)
    if reader is not None:
        inside = (places >= batch.marks[:, 0:1]) & (places < batch.marks[:, 1:2])
        features = _unlike(reader, found.hidden_states[-2], inside.to(device), batch.features)
    return Losses(answer, text_loss, features)


def _unlike(
    reader: torch.nn.Linear, hidden: torch.Tensor, inside: torch.Tensor, features: torch.Tensor
) -> torch.Tensor:
    """Return the mean squared error of the features, over the examples that have some."""
    has = (features != 0).any(1).to(hidden.device)
    if not has.any():
        return torch.zeros((), device=hidden.device)
    weights = inside[has].float()
    even = rms_norm(hidden[has].float(), hidden.shape[-1:])  # as the last layer reads it
    mean = (even * weights[..., None]).sum(1) / weights.sum(1, keepdim=True)
    error: torch.Tensor = reader(mean).float() - features.to(hidden.device)[has]
    return error.square().mean()


def _among_firsts(logits: torch.Tensor, firsts: torch.Tensor, shares: torch.Tensor) -> torch.Tensor:
    """Return the cross entropy to `shares` of a softmax over `firsts` alone, `[examples]`.

    `logits` is `[examples, vocabulary]`; the padding of `firsts`, 0, starts no answer.
    """
    scores = logits.gather(1, firsts).masked_fill(firsts == 0, -torch.inf)
    # Rows without a closed set: any finite value, as it is not used.
    scores = torch.where((firsts != 0).any(1, keepdim=True), scores, torch.zeros_like(scores))
    logs = scores.log_softmax(1).masked_fill(firsts == 0, 0.0)
    return -(shares * logs).sum(1)


def _weights(batch: Batch, answers: torch.Tensor) -> torch.Tensor:
    """Return the weight of each answer token, `[examples, tokens]`."""
    given = torch.where(batch.given, _GIVEN, 1.0)
    sizes = (given * answers).sum(1, keepdim=True)
    closed = batch.shares.sum(1, keepdim=True) > 0
    later = torch.where(closed, _CLOSED_REST / (sizes - 1), _FREE / sizes) * given
    places = torch.arange(answers.shape[1])[None, :]
    starts = (places == batch.marks[:, 2:3]) & closed
    return torch.where(starts, torch.ones(()), later)


def _mean(values: torch.Tensor) -> torch.Tensor:
    return values.sum() / max(1, values.numel())
