"""First weights from a larger model: its first layers, narrowed, and vectors for our tokens."""

import pytest
import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerBase

from sparkllm.demo_model.architecture import Shape, configuration
from sparkllm.demo_model.tokenizer import train_tokenizer
from sparkllm.demo_model.transplant import embeddings, narrowed, transplant

TEXTS = ["a good kettle that pours well", "the kettle leaks and it is bad", "it works"] * 4


def _shape(layers: int, intermediate: int, vocabulary: int = 320) -> Shape:
    return Shape(vocabulary, 16, layers, 2, 1, 8, intermediate)


def _model(shape: Shape, seed: int) -> LlamaForCausalLM:
    torch.manual_seed(seed)
    return LlamaForCausalLM(configuration(shape, pad=0, end=1)).eval()


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerBase:
    return train_tokenizer(TEXTS, 320)


@torch.inference_mode()
def test_with_equal_widths_the_model_is_the_donor_cut_after_its_layers(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    donor, model = _model(_shape(4, 32), 0), _model(_shape(2, 32), 1)
    transplant(donor, tokenizer, model, tokenizer, TEXTS)
    # Special tokens have no text to know them by, all others have.
    ids = torch.tensor([tokenizer(TEXTS[0])["input_ids"]])
    known = slice(5, len(tokenizer))
    assert len(donor.model.layers) == 4
    donor.model.layers = donor.model.layers[:2]
    donor.model.norm = model.model.norm
    torch.testing.assert_close(
        model(ids).logits[..., known], donor(ids).logits[..., known], atol=1e-5, rtol=1e-4
    )


@torch.inference_mode()
def test_a_narrower_model_stays_near_the_donor(tokenizer: PreTrainedTokenizerBase) -> None:
    donor, model = _model(_shape(2, 64), 0), _model(_shape(2, 32), 1)
    untouched = _model(_shape(2, 32), 1)
    transplant(donor, tokenizer, model, tokenizer, TEXTS)
    ids = torch.tensor([tokenizer(TEXTS[0])["input_ids"]])
    donor.model.norm, untouched.model.norm = model.model.norm, model.model.norm
    wanted = donor.model(ids).last_hidden_state
    near = (model.model(ids).last_hidden_state - wanted).norm()
    assert near < 0.3 * (untouched.model(ids).last_hidden_state - wanted).norm()


@torch.inference_mode()
def test_the_first_logits_are_of_the_size_of_one(tokenizer: PreTrainedTokenizerBase) -> None:
    donor, model = _model(_shape(2, 32), 0), _model(_shape(2, 32), 1)
    donor.model.layers[1].mlp.down_proj.weight[3] *= 1000  # a feature that drowns the others
    transplant(donor, tokenizer, model, tokenizer, TEXTS)
    logits = model(torch.tensor([tokenizer(TEXTS[0])["input_ids"]])).logits
    assert 0.5 < logits.std() < 2
    hidden = model.model(torch.tensor([tokenizer(TEXTS[0])["input_ids"]])).last_hidden_state[0]
    loudness = hidden.square().mean(0).sqrt()
    assert loudness.max() < 4 * loudness.median()


def test_units_that_say_the_same_can_go_without_loss() -> None:
    generator = torch.Generator().manual_seed(4)
    half = torch.randn(200, 6, generator=generator)
    hidden, down = half.repeat(1, 2), torch.randn(5, 12, generator=generator)
    # The second copies say less, so they are the ones to go.
    down[:, 6:] *= 0.1
    kept, fitted = narrowed(down, hidden, hidden @ down.T, 6)
    assert kept.tolist() == list(range(6))
    error = (hidden[:, kept] @ fitted.T - hidden @ down.T).norm() / (hidden @ down.T).norm()
    assert error < 0.02


def test_the_fitted_matrix_is_nearer_to_the_whole_part_than_the_bare_columns() -> None:
    generator = torch.Generator().manual_seed(5)
    mixing = torch.randn(10, 40, generator=generator)
    hidden = torch.randn(400, 10, generator=generator) @ mixing
    down = torch.randn(7, 40, generator=generator)
    whole = hidden @ down.T
    kept, fitted = narrowed(down, hidden, whole, 15)
    bare = (hidden[:, kept] @ down[:, kept].T - whole).norm()
    assert (hidden[:, kept] @ fitted.T - whole).norm() < 0.2 * bare


def test_a_token_has_its_vector_there_or_the_mean_of_what_spells_it(
    tokenizer: PreTrainedTokenizerBase,
) -> None:
    smaller = train_tokenizer(TEXTS, 270)
    table = torch.randn(len(smaller), 16, generator=torch.Generator().manual_seed(6))
    vectors = embeddings(tokenizer, smaller, table)
    ours, theirs = tokenizer.get_vocab(), smaller.get_vocab()
    shared = [token for token in ours if token in theirs and not token.startswith("<|")]
    assert len(shared) > 200
    for token in shared:
        assert torch.equal(vectors[ours[token]], table[theirs[token]])
    assert "Ġkettle" in ours
    assert "Ġkettle" not in theirs
    spelled = smaller(" kettle")["input_ids"]
    assert torch.equal(vectors[ours["Ġkettle"]], table[spelled].mean(0))
    assert torch.equal(vectors[ours["<|end|>"]], table.mean(0))
