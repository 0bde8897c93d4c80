"""Dropped features and replaced tokens: there in training, in no other place."""

import numpy as np
import pytest
import torch
from transformers import LlamaForCausalLM

from sparkllm.demo_model.architecture import Shape, configuration
from sparkllm.demo_model.corpus.packed import pack
from sparkllm.demo_model.prompting import Encoded
from sparkllm.demo_model.training.batches import Batch, collate
from sparkllm.demo_model.training.regularisation import drop_features, replace_tokens

TINY = Shape(vocabulary=64, hidden=16, layers=1, heads=2, kv_heads=1, head_dim=8, intermediate=32)
TEXT = slice(4, 34)


def _model() -> LlamaForCausalLM:
    torch.manual_seed(0)
    return LlamaForCausalLM(configuration(TINY, pad=0, end=1))


def _batch(answer: int, rows: int = 50) -> Batch:
    """Rows of 4 tokens of instruction, 30 of text, 2 of suffix, and an answer."""
    ids = [2] * 4 + [3] * 30 + [4] * 2 + [5] * answer
    corpus = pack([Encoded(ids, TEXT.start, TEXT.stop, 36)] * rows, longest=100)
    return collate(corpus, np.arange(rows), pad=0)


def _replaced(batch: Batch, share: float, seed: int = 0) -> torch.Tensor:
    return replace_tokens(batch, share, 64, torch.Generator().manual_seed(seed))


def test_features_are_dropped_in_training_and_whole_in_use() -> None:
    ids = torch.arange(12)[None]
    plain, dropping = _model().eval(), _model()
    drop_features(dropping, 0.5)
    with torch.inference_mode():
        assert torch.equal(dropping.eval()(ids).logits, plain(ids).logits)
        dropping.train()
        assert not torch.equal(dropping(ids).logits, dropping(ids).logits)


def test_nothing_of_the_dropping_is_saved() -> None:
    model = _model()
    drop_features(model, 0.5)
    assert model.state_dict().keys() == _model().state_dict().keys()
    assert model.config.to_dict() == _model().config.to_dict()


def test_the_share_of_dropped_features_is_the_one_asked_for() -> None:
    model = _model()
    drop_features(model, 0.25)
    model.train()
    embedded = model.model.embed_tokens(torch.full((500,), 7))
    assert (embedded == 0).float().mean().item() == pytest.approx(0.25, abs=0.03)


def test_only_row_text_is_replaced_and_about_the_share_asked_for() -> None:
    batch = _batch(answer=2)
    seen = _replaced(batch, 0.3)
    changed = seen != batch.ids
    assert not changed[:, : TEXT.start].any()
    assert not changed[:, TEXT.stop :].any()
    # One drawn token of 64 is the old one.
    assert changed[:, TEXT].float().mean().item() == pytest.approx(0.3, abs=0.04)


def test_texts_that_a_long_answer_may_quote_stay_whole() -> None:
    batch = _batch(answer=20)
    assert torch.equal(_replaced(batch, 0.9), batch.ids)


def test_the_same_generator_replaces_the_same_tokens() -> None:
    batch = _batch(answer=2)
    assert torch.equal(_replaced(batch, 0.3), _replaced(batch, 0.3))
    assert not torch.equal(_replaced(batch, 0.3), _replaced(batch, 0.3, seed=1))
