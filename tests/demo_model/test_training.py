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
RECIPE = Recipe(seed=3, tokens=128, checkpoint_every=1000)


@pytest.fixture(scope="module")
def corpus() -> PackedCorpus:
    chance = np.random.default_rng(5)
    examples = []
    for length in chance.integers(6, 30, size=40):
        ids = chance.integers(3, 64, size=length).tolist()
        examples.append(Encoded(ids, 2, len(ids) - 3, len(ids) - 2))
    examples[7] = replace(examples[7], beliefs=((3, 0.5), (4, 0.5)))
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
    answers = [answer for _, _, answer, _ in history]
    assert sum(answers[-5:]) < 0.8 * sum(answers[:5])


@pytest.mark.parametrize("epoch", [0, 1])
def test_an_epoch_shows_every_example_once_in_batches_of_bounded_size(
    corpus: PackedCorpus, epoch: int
) -> None:
    batches = epoch_batches(corpus.lengths, seed=1, epoch=epoch, tokens=128)
    assert sorted(np.concatenate(batches)) == list(range(40))
    assert all(len(batch) * corpus.lengths[batch].max() <= 128 for batch in batches)


def test_the_answer_loss_is_that_of_transformers_with_the_prompt_masked(
    corpus: PackedCorpus,
) -> None:
    batch = collate(corpus, np.arange(6), pad=0)
    model = _model().eval()
    ours = losses(model, batch, 0.0, torch.Generator().manual_seed(0)).answer
    labels = batch.ids.clone()
    for row, (mark, length) in enumerate(zip(batch.marks, batch.lengths, strict=True)):
        labels[row, : mark[2]] = -100
        labels[row, length:] = -100
    mask = (torch.arange(batch.ids.shape[1])[None] < batch.lengths[:, None]).long()
    theirs = model(input_ids=batch.ids, attention_mask=mask, labels=labels).loss
    torch.testing.assert_close(ours, theirs)


def test_beliefs_are_the_target_of_the_first_token_and_labels_elsewhere(
    corpus: PackedCorpus,
) -> None:
    batch = collate(corpus, np.arange(1), pad=0)
    start, model = int(batch.marks[0, 2]), _model().eval()
    believed = torch.tensor([[7, 9, 0, 0, 0]])
    shares = torch.tensor([[0.25, 0.75, 0.0, 0.0, 0.0]])
    soft = replace(batch, believed=believed, beliefs=shares)
    found = losses(model, soft, 0.0, torch.Generator().manual_seed(0)).answer
    with torch.no_grad():
        logs = model(input_ids=batch.ids).logits[0].log_softmax(-1)
    first = -(0.25 * logs[start - 1, 7] + 0.75 * logs[start - 1, 9])
    rest = [-logs[place - 1, batch.ids[0, place]] for place in range(start + 1, batch.ids.shape[1])]
    torch.testing.assert_close(found, torch.stack([first, *rest]).mean())


def test_a_long_answer_weighs_by_the_root_of_its_length() -> None:
    short, long = [5, 6, 7, 3, 1], [5, 6, 7, *[4] * 15, 1]
    pair = pack([Encoded(ids, 1, 2, 3) for ids in (short, long)], longest=100)
    model = _model().eval()

    def answer_loss(numbers: list[int]) -> torch.Tensor:
        batch = collate(pair, np.array(numbers), pad=0)
        return losses(model, batch, 0.0, torch.Generator().manual_seed(0)).answer

    # Answers of 2 and 16 tokens, the one that ends them included.
    both = (2**0.5 * answer_loss([0]) + 4 * answer_loss([1])) / (2**0.5 + 4)
    torch.testing.assert_close(answer_loss([0, 1]), both)


def test_a_packed_corpus_comes_back_from_its_file(corpus: PackedCorpus, tmp_path: Path) -> None:
    corpus.save(tmp_path / "corpus.npz")
    loaded = PackedCorpus.load(tmp_path / "corpus.npz")
    assert np.array_equal(loaded.tokens, corpus.tokens)
    assert np.array_equal(loaded.marks, corpus.marks)
    assert np.array_equal(loaded.example(7), corpus.example(7))
    assert loaded.believed[7].tolist() == [3, 4, 0, 0, 0]
    assert loaded.beliefs[7].tolist() == [0.5, 0.5, 0, 0, 0]
