"""First weights taken from a larger pretrained model: its word vectors and first layers.

A model this small never reads enough to find out that `dribbles` is bad news of a teapot. A larger
one has, and much of that is in its embeddings and first layers (layer and width pruning as in
Muralidharan et al. 2024, without their search): the embedding of each token of our own tokenizer is
that of the same token there, or the mean of the tokens that spell it; of each feed-forward part
the hidden units stay that contribute most, and its output matrix is fitted anew to what the whole
part gave.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

_RIDGE = 1e-2
_LONGEST = 128


def load_donor(path: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """Return a Llama model and its tokenizer from a folder or a `.gguf` file.

    Reading a `.gguf` file takes the packages gguf and accelerate.
    """
    where, file = (path.parent, path.name) if path.suffix == ".gguf" else (path, None)
    tokenizer = AutoTokenizer.from_pretrained(where, gguf_file=file)
    model = AutoModelForCausalLM.from_pretrained(where, gguf_file=file, dtype=torch.float32)
    return model.eval(), tokenizer


@torch.inference_mode()
def transplant(
    donor: PreTrainedModel,
    donor_tokenizer: PreTrainedTokenizerBase,
    model: LlamaForCausalLM,
    tokenizer: PreTrainedTokenizerBase,
    texts: Sequence[str],
) -> None:
    """Give a model the word vectors and the first layers of a larger one.

    Args:
        donor: a Llama model of the same hidden size, heads and head size.
        donor_tokenizer: its tokenizer.
        model: takes the weights; as many layers as it has, feed-forward parts at most as wide.
        tokenizer: its tokenizer, with byte-level tokens as the donor's.
        texts: a few hundred texts, to measure what the hidden units contribute.
    """
    table = donor.get_input_embeddings().weight
    vectors = embeddings(tokenizer, donor_tokenizer, table)
    model.model.embed_tokens.weight[: len(vectors)] = vectors
    ids = [donor_tokenizer(text)["input_ids"][:_LONGEST] for text in texts]
    seen = _feed_forward_parts(donor, [row for row in ids if row], len(model.model.layers))
    for layer, source, (hidden, output) in zip(
        model.model.layers, donor.model.layers, seen, strict=False
    ):
        state = source.state_dict()
        width = layer.mlp.down_proj.in_features
        down = state["mlp.down_proj.weight"]
        kept, fitted = narrowed(down, hidden, output, width)
        state["mlp.down_proj.weight"] = fitted
        for name in ("mlp.gate_proj.weight", "mlp.up_proj.weight"):
            state[name] = state[name][kept]
        layer.load_state_dict(state)
    _fit_last_norm(model, [tokenizer(text)["input_ids"][:_LONGEST] for text in texts])


def _fit_last_norm(model: LlamaForCausalLM, ids: Sequence[Sequence[int]]) -> None:
    """Let all features speak equally loud in the logits, which shall be of the size of one.

    A few features of such models are a hundred times as large as the others; the donor's last norm,
    which keeps them down, fits its own last layer only.
    """
    norm = model.model.norm
    norm.weight.fill_(1.0)
    rows = [
        model.model(input_ids=torch.tensor([list(row)]), use_cache=False).last_hidden_state[0, 1:]
        for row in ids
        if len(row) > 1
    ]
    loudness = torch.cat(rows).square().mean(0).sqrt()
    spread = model.model.embed_tokens.weight.std() * len(loudness) ** 0.5
    norm.weight.copy_(1 / (spread * loudness.clamp_min(1e-4)))


def embeddings(
    tokenizer: PreTrainedTokenizerBase, donor_tokenizer: PreTrainedTokenizerBase, table: Tensor
) -> Tensor:
    """Return vectors for a tokenizer's tokens, `[tokens, hidden]`, from another's `table`.

    A token the other one has, keeps its vector; else it gets the mean over the tokens that spell
    its text, and the mean of all where it has none (special tokens, parts of characters).
    """
    there = donor_tokenizer.get_vocab()
    special = set(tokenizer.all_special_tokens)
    vectors = table.mean(0).repeat(len(tokenizer), 1)
    for token, number in tokenizer.get_vocab().items():
        if token in special:
            continue
        if token in there:
            vectors[number] = table[there[token]]
            continue
        text = tokenizer.backend_tokenizer.decoder.decode([token])
        spelled = donor_tokenizer(text, add_special_tokens=False)["input_ids"]
        if spelled and "\N{REPLACEMENT CHARACTER}" not in text:
            vectors[number] = table[spelled].mean(0)
    return vectors


def narrowed(down: Tensor, hidden: Tensor, output: Tensor, width: int) -> tuple[Tensor, Tensor]:
    """Return which hidden units of a feed-forward part stay, and its output matrix for them.

    Args:
        down: output matrix, `[features, units]`.
        hidden: activations of the units, `[samples, units]`.
        output: what the part gave, `[samples, features]`.
        width: number of units that stay.

    Returns:
        Their numbers, ascending, `[width]`, and a matrix `[features, width]`: the old columns
        with the least-squares correction, ridged towards the old ones, for what is gone.
    """
    if width >= down.shape[1]:
        return torch.arange(down.shape[1]), down
    share = hidden.square().mean(0) * down.square().sum(0)
    kept = share.topk(width).indices.sort().values
    left, columns = hidden[:, kept].double(), down[:, kept].double()
    missing = output.double() - left @ columns.T
    gram = left.T @ left
    gram += _RIDGE * gram.diagonal().mean() * torch.eye(width, dtype=gram.dtype)
    fitted = columns + torch.linalg.solve(gram, left.T @ missing).T
    return kept, fitted.to(down.dtype)


def _feed_forward_parts(
    donor: PreTrainedModel, ids: Sequence[Sequence[int]], layers: int
) -> list[tuple[Tensor, Tensor]]:
    """Return what goes into each output matrix and comes out, of all tokens but the first: the
    first of a text is where heads that look at nothing look, and huge."""
    found: list[list[tuple[Tensor, Tensor]]] = [[] for _ in range(layers)]
    hooks = [
        donor.model.layers[number].mlp.down_proj.register_forward_hook(
            lambda _, into, out, number=number: found[number].append((into[0][0, 1:], out[0, 1:]))
        )
        for number in range(layers)
    ]
    whole = donor.model.layers
    donor.model.layers = whole[:layers]
    for row in ids:
        donor.model(input_ids=torch.tensor([list(row)]), use_cache=False)
    donor.model.layers = whole
    for hook in hooks:
        hook.remove()
    return [
        (torch.cat([into for into, _ in parts]), torch.cat([out for _, out in parts]))
        for parts in found
    ]
