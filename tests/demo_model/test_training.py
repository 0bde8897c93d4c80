"""Training: repeatable from its seed, and from a checkpoint as if never interrupted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import LlamaForCausalLM, PreTrainedModel

from sparkllm.demo_model.architecture import Shape, configuration
from sparkllm.demo_model.corpus.packed import PackedCorpus, pack
from sparkllm.demo_model.prompting import Encoded
from sparkllm.demo_model.training import Limit, Recipe, Trainer
from sparkllm.demo_model.training.batches import collate, epoch_batches
from sparkllm.demo_model.training.objective import losses

TINY = Shape(vocabulary=64, hidden=16, layers=1, heads=2, kv_heads=1, head_dim=8, intermediate=32)
EPSILON = torch.finfo(torch.float32).eps
RECIPE = Recipe(seed=3, tokens=128, checkpoint_every=1000)


@pytest.fixture(scope="module")
def corpus() -> PackedCorpus:
    chance = np.random.default_rng(5)
    examples = []
    for length in chance.integers(6, 30, size=40):
        ids = chance.integers(3, 64, size=length).tolist()
        examples.append(Encoded(ids, 2, len(ids) - 3, len(ids) - 2))
    examples[7] = replace(examples[7], firsts=((3, 0.5), (4, 0.5)))
    return pack(examples, longest=100)


def _model() -> PreTrainedModel:
    torch.manual_seed(0)
    return LlamaForCausalLM(configuration(TINY, pad=0, end=1))


def _trained(corpus: PackedCorpus, steps: int) -> PreTrainedModel:
    model = _model()
    Trainer(model, corpus, RECIPE, Limit(steps=steps), pad=0).run()
    return model


def _same(first: PreTrainedModel, second: PreTrainedModel) -> bool:
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_two_runs_from_the_same_seed_give_equal_weights(corpus: PackedCorpus) -> None:
    trained = _trained(corpus, 2)
    assert _same(trained, _trained(corpus, 2))
    assert not _same(trained, _model())


def test_a_run_continued_from_its_checkpoint_equals_one_never_interrupted(
    corpus: PackedCorpus, tmp_path: Path
) -> None:
    # 40 short examples make few batches: 20 steps cross the end of an epoch.
    model = _model()
    Trainer(model, corpus, RECIPE, Limit(steps=20), pad=0, checkpoint=tmp_path / "c.pt").run(
        stop_at_step=11
    )
    model = LlamaForCausalLM(configuration(TINY, pad=0, end=1))
    progress = Trainer(
        model, corpus, RECIPE, Limit(steps=20), pad=0, checkpoint=tmp_path / "c.pt"
    ).run()
    assert progress.step == 20
    assert progress.epoch > 0
    assert _same(model, _trained(corpus, 20))


def test_training_lowers_the_loss(corpus: PackedCorpus) -> None:
    model = _model()
    recipe = Recipe(seed=3, tokens=128, learning_rate=1e-2)
    history = Trainer(model, corpus, recipe, Limit(steps=60), pad=0).run().history
    answers = [answer for _, _, answer, *_ in history]
    assert sum(answers[-5:]) < 0.8 * sum(answers[:5])


@pytest.mark.parametrize("epoch", [0, 1])
def test_an_epoch_shows_every_example_once_in_batches_of_bounded_size(
    corpus: PackedCorpus, epoch: int
) -> None:
    batches = epoch_batches(corpus, seed=1, epoch=epoch, tokens=128)
    assert sorted(np.concatenate(batches)) == list(range(40))
    assert all(len(batch) * corpus.lengths[batch].max() <= 128 for batch in batches)


def test_the_answer_loss_is_that_of_transformers_with_the_prompt_masked(
    corpus: PackedCorpus,
) -> None:
    batch = collate(corpus, np.arange(6), pad=0)
    model = _model().eval()
    batch = replace(batch, shares=torch.zeros_like(batch.shares))
    ours = losses(model, batch, 0.0, torch.Generator().manual_seed(0)).answer
    labels = batch.ids.clone()
    for row, (mark, length) in enumerate(zip(batch.marks, batch.lengths, strict=True)):
        labels[row, : mark[2]] = -100
        labels[row, length:] = -100
    mask = (torch.arange(batch.ids.shape[1])[None] < batch.lengths[:, None]).long()
    theirs = model(input_ids=batch.ids, attention_mask=mask, labels=labels).loss
    torch.testing.assert_close(ours, theirs)


def _answer_loss(model: PreTrainedModel, corpus: PackedCorpus, *numbers: int) -> torch.Tensor:
    batch = collate(corpus, np.array(numbers), pad=0)
    return losses(model, batch, 0.0, torch.Generator().manual_seed(0)).answer


def test_a_closed_answer_is_scored_among_what_it_can_start_with() -> None:
    ids = [5, 6, 7, 3, 8, 1]
    closed = pack([Encoded(ids, 1, 2, 3, firsts=((3, 0.25), (9, 0.75)))], longest=100)
    model = _model().eval()
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids])).logits[0]
    two = logits[2, [3, 9]].log_softmax(0)
    everything = logits.log_softmax(1)
    # The first token: mostly between the two, a tenth as much among all tokens.
    first = -(0.25 * two[0] + 0.75 * two[1]) - 0.1 * everything[2, 3]
    rest = -0.15 * (everything[3, 8] + everything[4, 1])
    torch.testing.assert_close(_answer_loss(model, closed, 0), (first + rest) / 1.3)


def test_a_free_answer_counts_as_much_whatever_its_length() -> None:
    short, long = [5, 6, 7, 3, 1], [5, 6, 7, *[4] * 15, 1]
    pair = pack([Encoded(ids, 1, 2, 3) for ids in (short, long)], longest=100)
    model = _model().eval()
    both = (_answer_loss(model, pair, 0) + _answer_loss(model, pair, 1)) / 2
    torch.testing.assert_close(_answer_loss(model, pair, 0, 1), both)


def test_what_the_keys_of_an_object_fix_counts_a_twentieth_of_what_is_found() -> None:
    ids = [5, 6, 7, 3, 8, 1]
    model = _model().eval()
    with torch.no_grad():
        everything = model(input_ids=torch.tensor([ids])).logits[0].log_softmax(1)
    key, value, end = -everything[2, 3], -everything[3, 8], -everything[4, 1]
    given = pack([Encoded(ids, 1, 2, 3, given=(3,))], longest=100)
    expected = (0.05 * key + value + end) / 2.05
    torch.testing.assert_close(_answer_loss(model, given, 0), expected)


def test_features_are_read_off_the_row_text_where_there_are_some() -> None:
    ids = [5, 6, 7, 3, 1]
    told = Encoded(ids, 1, 3, 3, features=(0.5, -1.0))
    both = pack([told, replace(told, ids=[5, 9, 9, 9, 1], features=())], longest=100)
    model = _model().eval()
    torch.manual_seed(1)
    reader = torch.nn.Linear(model.config.hidden_size, 2)
    batch = collate(both, np.arange(2), pad=0)
    generator = torch.Generator().manual_seed(0)
    found = losses(model, batch, 0.0, generator, reader=reader).features
    with torch.no_grad():
        states = model(input_ids=torch.tensor([ids]), output_hidden_states=True).hidden_states
        even = states[-2][0] / (states[-2][0].square().mean(1, keepdim=True) + EPSILON).sqrt()
        expected = (reader(even[1:3].mean(0)) - torch.tensor([0.5, -1.0])).square().mean()
    torch.testing.assert_close(found.detach(), expected)


def test_features_are_learned_and_leave_no_trace_in_the_model(tmp_path: Path) -> None:
    chance = np.random.default_rng(3)
    examples = []
    for _ in range(40):
        word = int(chance.integers(3, 64))
        ids = [5, *[word] * 4, 3, 1]
        examples.append(Encoded(ids, 1, 5, 5, features=(word / 64, 1.0)))
    model, checkpoint = _model(), tmp_path / "checkpoint.pt"
    quick = replace(RECIPE, learning_rate=1e-2)
    names = set(model.state_dict())
    trainer = Trainer(
        model, pack(examples, 100), quick, Limit(steps=60), pad=0, checkpoint=checkpoint
    )
    history = [point[4] for point in trainer.run().history]
    assert sum(history[-5:]) < 0.5 * sum(history[:5])
    assert set(model.state_dict()) == names
    again = Trainer(
        _model(), pack(examples, 100), quick, Limit(steps=60), pad=0, checkpoint=checkpoint
    )
    assert again.progress.step == 60


def test_free_answers_come_later_in_the_first_epoch_only() -> None:
    closed = Encoded([5, 6, 7, 3, 1], 1, 2, 3, firsts=((3, 1.0),))
    mixed = pack([closed, replace(closed, firsts=())] * 10_000, longest=100)
    free = mixed.shares.sum(1) == 0
    # Batches are shuffled among neighbours, by 2,048 of 20,000.
    for epoch, least, most in ((0, 0.0, 0.0), (1, 0.4, 0.6)):
        order = np.concatenate(epoch_batches(mixed, 1, epoch, 500, free_later=0.35))
        assert least <= free[order[:2000]].mean() <= most


def test_a_packed_corpus_comes_back_from_its_file(corpus: PackedCorpus, tmp_path: Path) -> None:
    corpus.save(tmp_path / "corpus.npz")
    loaded = PackedCorpus.load(tmp_path / "corpus.npz")
    assert np.array_equal(loaded.tokens, corpus.tokens)
    assert np.array_equal(loaded.marks, corpus.marks)
    assert np.array_equal(loaded.example(7), corpus.example(7))
    assert loaded.firsts[7].tolist() == [3, 4] + [0] * 14
    assert loaded.shares[7].tolist() == [0.5, 0.5] + [0.0] * 14
    assert loaded.given.shape == corpus.tokens.shape


def test_judgements_are_unsure_examples_and_a_share_of_the_others() -> None:
    sure = Encoded([5, 6, 7, 3, 1], 1, 2, 3, firsts=((3, 1.0), (4, 0.0)))
    unsure = Encoded([5, 6, 9, 7, 3, 1], 1, 2, 4, firsts=((3, 0.75), (4, 0.25)))
    free = Encoded([5, 6, 7, 8, 4, 4, 1], 1, 2, 4)
    mixed = pack([free, sure, unsure, free] * 200, longest=100)
    none, some = mixed.judgements(0.0, seed=0), mixed.judgements(0.25, seed=0)
    assert {tuple(none.example(number)) for number in range(200)} == {tuple(unsure.ids)}
    assert len(none.lengths) == 200
    assert none.marks.tolist() == [[1, 2, 4]] * 200
    kinds = [tuple(some.example(number)) for number in range(len(some.lengths))]
    assert set(kinds) == {tuple(example.ids) for example in (unsure, sure, free)}
    assert 70 <= kinds.count(tuple(free.ids)) <= 130
    assert 30 <= kinds.count(tuple(sure.ids)) <= 70
    assert (some.shares.max(1) == 1).sum() == kinds.count(tuple(sure.ids))
