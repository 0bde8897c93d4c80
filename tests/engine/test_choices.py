"""Closed answer sets, scored in one pass, against every path run by transformers alone."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedModel

from sparkllm_engine import LLMEngine, SamplingParameters
from sparkllm_engine.decoding import ChoiceTree
from tests.engine.models import tiny_tokenizer

PROMPTS = ["Great value!", "it shrank after one wash", "The dress is lovely, but it itches."]
CHOICES = [
    ("positive", "negative", "neutral"),
    ("yes", "no"),
    ("a", "ab", "abc", "b"),
    ("the same start, then one", "the same start, then two", "the same start"),
    ("", "x"),
    ("dress dress dress", "dress dress", "dress", "sleeves"),
]
END = 1


def brute_force(model: PreTrainedModel, prompt: str, choices: Sequence[str]) -> list[float]:
    """Return the probability of each choice, drawn token by token among those that lead to one."""
    tokenizer = tiny_tokenizer()
    paths = [(*tokenizer(choice)["input_ids"], END) for choice in choices]
    start = tokenizer(prompt + "\n")["input_ids"]
    probabilities = []
    for path in paths:
        logarithm = 0.0
        for depth, token in enumerate(path):
            allowed = sorted({p[depth] for p in paths if p[:depth] == path[:depth]})
            with torch.inference_mode():
                logits = model(torch.tensor([[*start, *path[:depth]]])).logits[0, -1]
            scores = torch.log_softmax(logits.double(), dim=0)[allowed]
            logarithm += float(torch.log_softmax(scores, dim=0)[allowed.index(token)])
        probabilities.append(float(np.exp(logarithm)))
    return probabilities


@pytest.mark.parametrize("choices", CHOICES, ids=lambda choices: choices[0])
def test_normalized_probabilities_are_geometric_means_of_the_tokens(
    make_engine: Callable[..., LLMEngine],
    reference: Callable[[str], PreTrainedModel],
    choices: tuple[str, ...],
) -> None:
    parameters = SamplingParameters(choices=choices, length_normalized=True)
    for result in make_engine().generate(PROMPTS, parameters):
        product = brute_force(reference("llama"), PROMPTS[result.id], choices)
        lengths = [len(tiny_tokenizer()(choice)["input_ids"]) + 1 for choice in choices]
        means = np.power(product, 1 / np.array(lengths))
        assert result.probabilities == pytest.approx(means / means.sum(), abs=1e-5)


@pytest.mark.parametrize("family", ["llama", "gpt2", "mixtral", "gemma2", "mistral_local"])
@pytest.mark.parametrize("choices", CHOICES, ids=lambda choices: choices[0])
def test_probabilities_are_those_of_running_every_path(
    make_engine: Callable[..., LLMEngine],
    reference: Callable[[str], PreTrainedModel],
    family: str,
    choices: tuple[str, ...],
) -> None:
    results = make_engine(family).generate(PROMPTS, SamplingParameters(choices=choices))
    for prompt, result in zip(PROMPTS, results, strict=True):
        expected = brute_force(reference(family), prompt, choices)
        assert result.probabilities == pytest.approx(expected, abs=1e-5)
        assert result.text == choices[int(np.argmax(expected))]
        assert (result.finish_reason, result.output_tokens) == ("choice", 0)


def test_rows_with_different_sets_share_a_step(make_engine: Callable[..., LLMEngine]) -> None:
    engine = make_engine()
    alone = [engine.generate(["Great"], SamplingParameters(choices=c))[0] for c in CHOICES]
    from sparkllm_engine import Request

    requests = [
        Request(i, ("Great",), SamplingParameters(choices=c)) for i, c in enumerate(CHOICES)
    ]
    together = {result.id: result for result in engine.run(requests)}
    for index, result in enumerate(alone):
        assert together[index].probabilities == pytest.approx(result.probabilities, abs=1e-5)


def test_a_tail_longer_than_the_budget_is_still_served(
    make_engine: Callable[..., LLMEngine], reference: Callable[[str], PreTrainedModel]
) -> None:
    choices = ("itches and fades a", "itches and fades b")
    tail = ChoiceTree([tiny_tokenizer()(choice)["input_ids"] for choice in choices], END).tail
    engine = make_engine(token_budget=len(tail))
    (result,) = engine.generate([PROMPTS[2]], SamplingParameters(choices=choices))
    expected = brute_force(reference("llama"), PROMPTS[2], choices)
    assert result.probabilities == pytest.approx(expected, abs=1e-5)


def test_labels_that_part_at_their_first_token_need_no_tokens_beside_the_prompt() -> None:
    tree = ChoiceTree([[5, 6, 7], [8], [9, 6]], end_token=END)
    assert len(tree.tail) == 0
    assert tree.token_ids.tolist() == [5, 8, 9]


def test_only_tokens_on_the_way_to_a_parting_are_computed() -> None:
    tree = ChoiceTree([[5, 6, 7, 8], [5, 6, 9, 9], [4, 4, 4]], end_token=END)
    assert tree.tail.tolist() == [5, 6]
    assert tree.depths.tolist() == [1, 2]


def test_a_single_choice_needs_no_model(make_engine: Callable[..., LLMEngine]) -> None:
    engine = make_engine()
    (result,) = engine.generate(["Great"], SamplingParameters(choices=("yes",)))
    assert (result.text, result.probabilities) == ("yes", (1.0,))
    assert engine.statistics()["steps"] == 0


paths = st.lists(st.lists(st.integers(2, 5), max_size=4), min_size=1, max_size=7)


@given(paths=paths, seed=st.integers(0, 99))
def test_probabilities_of_any_tree_sum_to_one(paths: list[list[int]], seed: int) -> None:
    tree = ChoiceTree(paths, end_token=END)
    shape = (3, len(tree.branches), len(tree.token_ids))
    logits = np.random.default_rng(seed).normal(size=shape).astype(np.float32) * 9
    probabilities = tree.probabilities(logits)
    assert probabilities.shape == (3, len(paths))
    assert probabilities.sum(axis=1) == pytest.approx([1, 1, 1])


@given(paths=paths)
def test_a_tail_token_sees_itself_and_its_ancestors(paths: list[list[int]]) -> None:
    tree = ChoiceTree(paths, end_token=END)
    assert tree.visible.sum(axis=1).tolist() == tree.depths.tolist()
    for token in range(len(tree.tail)):
        seen = tree.tail[tree.visible[token]].tolist()
        assert any(path[: len(seen)] == seen for path in paths)
